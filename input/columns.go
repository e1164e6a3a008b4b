package input

import (
	"fmt"
	"regexp"
	"strings"
)

// A meaning is what a column says about a list, beside those that name the user or the
// pass. A column without a meaning that holds a GUID makes its row ambiguous: the GUID
// may be the pass's id.
type meaning int

const (
	unknown  meaning = iota
	naming           // one of names
	ofUser           // only users have it: id beside it is the user's
	ofPass           // only passes have it: id beside it is the pass's
	ofLog            // audit and sign-in logs have it, which name who acted
	ofEvent          // the same, beside a userId
	ofApp            // apps have it, and beside a userId sign-in logs
	ofThing          // devices or groups have it
	ofKind           // its value says what kind of thing the row is
	ofOthers         // GUIDs in it are known to be something else's
	meaningCount
)

// columns are the columns that are known, by their folded names.
// Sources: learn.microsoft.com/graph/api/resources, user, riskyUser,
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
	ofEvent: `creationDate creationTime`,
	ofApp:   `appId`,
	ofThing: `groupTypes securityEnabled mailEnabled membershipRule isAssignableToRole operatingSystem trustType
		profileType deviceId servicePrincipalType servicePrincipalNames signInAudience`,
	ofKind: `objectType isUser @odata.type`,
	// Beside a user, in exports of Graph, Entra, Exchange and Active Directory.
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

// guid finds a GUID in a value, with or without hyphens.
var guid = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b`)

func holdsGUID(s string) bool { return len(s) >= 32 && guid.MatchString(s) }

// hiddenPass refuses a GUID in a column that is not known. Taking its row for "whatever
// pass" could delete another pass than was meant.
func hiddenPass(column string) error {
	return fmt.Errorf("%s holds a GUID and is not a column that is known: "+
		"rename it to methodId if that is the pass id, or remove it", show(column))
}

// noteTarget notes where an audit log has the person acted on.
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

// log refuses an audit or sign-in log. The user it names is who did something, so
// revoking by it takes the passes of administrators and of the help desk.
func (s *nameSet) log() error {
	mark := s.marks[ofLog]
	for _, m := range []meaning{ofEvent, ofApp} {
		if mark == "" && s.spelled[nameUserID] != "" {
			mark = s.marks[m]
		}
	}
	if mark == "" {
		return nil
	}
	target := "make a list of the people you mean"
	if s.target != "" {
		target = "the person acted on is in " + s.target + ": make a list of those"
	}
	return fmt.Errorf("%s shows that this is an audit or sign-in log, in which a user is the one who acted; "+
		"%s, or find passes with tapsweep scan --created-since", show(mark), target)
}

// thing refuses an id that may be a device's, a group's or an app's.
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

// context takes in what an answer of Graph says that its rows are.
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

// odataType takes in the type of an object, such as #microsoft.graph.user.
func (s *nameSet) odataType(text string) {
	switch kindOf(text) {
	case "user":
		s.marks[ofUser] = text
	case "pass":
		s.marks[ofPass] = text
	}
}

// kindOf is "user", "pass", or what else an OData type says.
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

// checkKind refuses a row that a column says is no user, such as a group, and no pass.
func checkKind(column, value string) error {
	switch fold(column) {
	case "objecttype":
		if value != "" && !strings.EqualFold(value, "user") {
			return fmt.Errorf("the row is not a user: %s is %s; remove it", show(column), show(value))
		}
	case "isuser":
		if strings.EqualFold(value, "false") {
			return fmt.Errorf("the row is not a user: %s is %s; remove it", show(column), show(value))
		}
	case "@odata.type":
		if kind := kindOf(value); value != "" && kind != "user" && kind != "pass" {
			return fmt.Errorf("the row is neither a user nor a Temporary Access Pass: %s is %s; remove it",
				show(column), show(value))
		}
	}
	return nil
}
