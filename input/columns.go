package input

import (
	"fmt"
	"regexp"
	"strings"
)

// A meaning is what a column says about a list. If an unknown column holds a GUID, its row is
// ambiguous: the GUID may be the ID of the pass.
type meaning int

const (
	unknown    meaning = iota
	naming             // one of names
	ofUser             // only users have it, so id is the user's
	ofPass             // only passes have it, so id is the pass's
	ofLog              // audit and sign-in logs have it; they name the user who acted
	ofEvent            // the same, if the list also has userId
	ofRisk             // risk detections have it, whose id is not the user's
	ofApp              // apps have it, and so do sign-in logs, which also have userId
	ofResult           // rows about requests that were sent have it; some may be done
	ofThing            // devices or groups have it
	ofKind             // its value is the type of the row, such as user or group
	ofOthers           // its GUIDs are known to identify something else
	ofCreation         // it is a field of Creation
	meaningCount
)

// columns maps the folded names of the known columns to their meanings.
// Sources: learn.microsoft.com/graph/api/resources, user, riskyUser, riskDetection,
// userRegistrationDetails, temporaryAccessPassAuthenticationMethod, directoryAudit,
// signIn, device, group and servicePrincipal; learn.microsoft.com/purview,
// audit-log-export-records; learn.microsoft.com/entra/identity/monitoring-health,
// howto-download-logs.
var columns = meanings(map[meaning]string{
	ofUser: `displayName userDisplayName mail mailNickname accountEnabled userType givenName surname jobTitle
		department companyName officeLocation businessPhones mobilePhone preferredLanguage usageLocation
		employeeId employeeType employeeHireDate externalUserState creationType onPremisesSamAccountName
		onPremisesSyncEnabled onPremisesImmutableId passwordPolicies signInActivity proxyAddresses otherMails
		identities assignedLicenses assignedPlans provisionedPlans licenseAssignmentStates manager managerId
		riskLevel riskState isMfaRegistered isAdmin methodsRegistered`,
	ofPass: `isUsable isUsableOnce startDateTime lifetimeInMinutes methodUsabilityReason`,
	ofLog: `recordType operation operations operationType operationName auditData workload activityDisplayName
		activityDateTime initiatedBy targetResources loggedByService correlationId actorType
		actorUserPrincipalName conditionalAccessStatus clientAppUsed appDisplayName`,
	ofEvent:  `creationDate creationTime`,
	ofResult: `attempts`,
	ofRisk:   `riskEventType detectionTimingType detectedDateTime`,
	ofApp:    `appId`,
	ofThing: `groupTypes securityEnabled mailEnabled membershipRule isAssignableToRole operatingSystem trustType
		profileType deviceId servicePrincipalType servicePrincipalNames signInAudience`,
	ofKind:     `objectType isUser @odata.type`,
	ofCreation: strings.Join(CreationColumns, " "),
	// Exports of users from Graph, Entra, Exchange and Active Directory have these.
	ofOthers: `@odata.id @odata.context @odata.etag additionalProperties
		tenantId homeTenantId organizationId azureADDeviceId requestId sessionId
		lastSignInRequestId lastNonInteractiveSignInRequestId lastSuccessfulSignInRequestId
		skuId licenses groupId groups memberOf roleId roleDefinitionId roleTemplateId administrativeUnitId
		directReports ownedDevices registeredDevices appRoleAssignments objectGuid
		onPremisesObjectIdentifier immutableId externalDirectoryObjectId exchangeGuid archiveGuid mailboxGuid
		legacyExchangeDN emailAddresses alertId caseId incidentId ticketId`,
})

func meanings(lists map[meaning]string) map[string]meaning {
	all := make(map[string]meaning)
	for m, list := range lists {
		for column := range strings.FieldsSeq(list) {
			all[fold(column)] = m
		}
	}
	return all
}

// guid matches a GUID in a value, with or without hyphens.
var guid = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b`)

func holdsGUID(s string) bool { return len(s) >= 32 && guid.MatchString(s) }

// misnamedColumn returns the error for a GUID in an unknown column. If such a row meant "any
// pass of the user", the wrong pass could be deleted.
func misnamedColumn(column string) error {
	return fmt.Errorf("%s holds a GUID, but is not a known column: "+
		"rename it to methodId if it is the pass id, or remove it", showColumn(column))
}

// noteTarget records in which column an audit log has the affected user.
func (s *nameSet) noteTarget(folded, raw string) {
	switch {
	case strings.HasPrefix(folded, "target") && strings.HasSuffix(folded, "userprincipalname"):
		s.target = show(raw)
	case s.target != "":
	case folded == "targetresources":
		s.target = "userPrincipalName inside " + show(raw)
	case folded == "auditdata":
		s.target = "ObjectId inside " + show(raw)
	}
}

// log refuses an audit or sign-in log. Its users are those who acted, so revoking would
// delete the passes of administrators and of the help desk.
func (s *nameSet) log() error {
	if mark := s.marks[ofResult]; mark != "" {
		return fmt.Errorf("%s shows that this is a part of a results log, in which rows without a pass may be done: "+
			"use the whole log, or keep only user and method", show(mark))
	}
	if mark, id := s.marks[ofRisk], s.spelled[nameID]; mark != "" && id != "" {
		return fmt.Errorf("%s shows that these are risk detections, in which %s is neither the user's nor the pass's: "+
			"remove it, and keep userId", show(mark), show(id))
	} else if mark != "" {
		return nil // the user is the one at risk
	}
	mark := s.marks[ofLog]
	for _, m := range []meaning{ofEvent, ofApp} {
		if mark == "" && s.spelled[nameUserID] != "" {
			mark = s.marks[m]
		}
	}
	if mark == "" {
		return nil
	}
	target := "make a list of the affected users"
	if s.target != "" {
		target = "the affected user is in " + s.target + ": make a list of these users"
	}
	return fmt.Errorf("%s shows that this is an audit or sign-in log, in which the user is the person who acted; "+
		"%s, or find passes with tapsweep scan --created-since", show(mark), target)
}

// thing refuses an id that may identify a device, a group or an app.
func (s *nameSet) thing() error {
	mark, id := s.marks[ofThing], s.spelled[nameID]
	if mark == "" {
		mark = s.marks[ofApp]
	}
	if id == "" && s.spelled[nameUserID]+s.spelled[nameUser]+s.spelled[nameUserPrincipalName]+s.spelled[nameUPN] == "" {
		id = s.spelled[nameObjectID]
	}
	if mark == "" || id == "" {
		return nil
	}
	return fmt.Errorf("%s beside %s may be the id of a device, a group or an app, not of a user: "+
		"rename it to userId if it is the user's, or remove it", show(id), show(mark))
}
