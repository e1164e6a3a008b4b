package input

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A meaning is what a column says about a list. If a column has no meaning and holds a
// GUID, its row is ambiguous: the GUID may be the ID of the pass.
type meaning int

const (
	unknown  meaning = iota
	naming           // one of names
	ofUser           // only users have it, so id is the user's
	ofPass           // only passes have it, so id is the pass's
	ofLog            // audit and sign-in logs have it; they name the user who acted
	ofEvent          // the same, if the list also has userId
	ofRisk           // risk detections have it, whose id is not the user's
	ofApp            // apps have it, and so do sign-in logs, which also have userId
	ofResult         // rows about requests that were sent have it; some may be done
	ofThing          // devices or groups have it
	ofKind           // its value is the type of the row, such as user or group
	ofOthers         // its GUIDs are known to identify something else
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
	ofKind: `objectType isUser @odata.type`,
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

// context records what the rows of a Graph response are, as its @odata.context says.
func (s *nameSet) context(text string) {
	_, set, _ := strings.Cut(text, "#")
	set = strings.TrimSuffix(set, "/$entity")
	switch {
	case strings.Contains(set, "/authentication/temporaryAccessPassMethods"):
		s.marks[ofPass] = "@odata.context"
	case set == "users" || strings.HasPrefix(set, "users(") && strings.HasSuffix(set, ")"):
		s.marks[ofUser] = "@odata.context"
	}
}

// odataType records the type of an object, such as #microsoft.graph.user.
func (s *nameSet) odataType(text string) {
	switch kindOf(text) {
	case "user":
		s.marks[ofUser] = text
	case "pass":
		s.marks[ofPass] = text
	}
}

// kindOf returns "user", "pass", or for other OData types the last part of the name.
func kindOf(odataType string) string {
	kind := odataType[strings.LastIndexByte(odataType, '.')+1:]
	switch folded := fold(kind); {
	case strings.HasSuffix(folded, "user") || folded == "userregistrationdetails":
		return "user"
	case folded == "temporaryaccesspassauthenticationmethod":
		return "pass"
	}
	return kind
}

// kinds are the types of rows that are shown in full.
// Sources: learn.microsoft.com/graph/api/resources, directoryObject and authenticationMethod.
var kinds = strings.Fields(`user group device servicePrincipal application orgContact contact member role directoryRole
	administrativeUnit emailAuthenticationMethod externalAuthenticationMethod fido2AuthenticationMethod
	hardwareOathAuthenticationMethod microsoftAuthenticatorAuthenticationMethod passwordAuthenticationMethod
	phoneAuthenticationMethod platformCredentialAuthenticationMethod qrCodePinAuthenticationMethod
	softwareOathAuthenticationMethod windowsHelloForBusinessAuthenticationMethod`)

// showKind is like show, but for the type of a row. What is no known type may be the pass itself,
// and is shown as showMethod does.
func showKind(s string) string {
	kind := strings.TrimPrefix(strings.TrimPrefix(s, "#"), "microsoft.graph.")
	if slices.ContainsFunc(kinds, func(known string) bool { return strings.EqualFold(known, kind) }) {
		return show(s)
	}
	return showMethod(s)
}

// checkKind returns an error if a column says that the row is neither a user nor a pass,
// but, for example, a group.
func checkKind(column, value string) error {
	switch fold(column) {
	case "objecttype":
		if value != "" && !strings.EqualFold(value, "user") {
			return fmt.Errorf("the row is not a user: %s is %s; remove it", show(column), showKind(value))
		}
	case "isuser":
		if strings.EqualFold(value, "false") {
			return fmt.Errorf("the row is not a user: %s is %s; remove it", show(column), show(value))
		}
	case "@odata.type":
		if kind := kindOf(value); value != "" && kind != "user" && kind != "pass" {
			return fmt.Errorf("the row is neither a user nor a Temporary Access Pass: %s is %s; remove it",
				show(column), showKind(value))
		}
	}
	return nil
}
