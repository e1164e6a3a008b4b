package input

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"
)

// A role is the meaning of a column.
type role int

const (
	unknown    role = iota // a GUID in it may be the id of a pass
	user                   // an object ID or user principal name
	userName               // the same, but from exports, where id may be the object ID of that user
	pass                   // the id of a pass
	userOrPass             // the object ID of the user or the id of the pass
	ofUser                 // only users have the column, so id is the user's
	ofPass                 // only passes have it, so id is the pass's
	ofLog                  // audit and sign-in logs have it, and name the user who acted
	ofEvent                // logs and exports of users have it; beside userId it is ofLog
	ofThing                // devices, groups and apps have it
	ofOther                // other rows that are not about a pass to delete have it
	kind                   // the type of the row, such as user or group
	creation               // a field of Creation
	ignored                // its GUIDs are known to identify something else
	roleCount
)

const (
	userColumns = "user userId objectId userObjectId"
	nameColumns = "userPrincipalName upn"
	passColumns = "method methodId passId temporaryAccessPassAuthenticationMethodId"
)

// roles has the roles of the known columns, by folded name. All others are unknown.
// Sources: learn.microsoft.com/graph/api/resources, user, riskyUser, riskDetection,
// userRegistrationDetails, temporaryAccessPassAuthenticationMethod, directoryAudit,
// signIn, device, group and servicePrincipal; learn.microsoft.com/purview,
// audit-log-export-records; learn.microsoft.com/entra/identity/monitoring-health,
// howto-download-logs.
var roles = makeRoles(map[role]string{
	user:       userColumns,
	userName:   nameColumns,
	pass:       passColumns,
	userOrPass: "id",
	kind:       "objectType isUser @odata.type",
	creation:   strings.Join(CreationColumns, " "),
	ofUser: `displayName userDisplayName mail mailNickname accountEnabled userType givenName surname jobTitle
		department companyName officeLocation businessPhones mobilePhone preferredLanguage usageLocation
		employeeId employeeType employeeHireDate externalUserState creationType onPremisesSamAccountName
		onPremisesSyncEnabled onPremisesImmutableId passwordPolicies signInActivity proxyAddresses otherMails
		identities assignedLicenses assignedPlans provisionedPlans licenseAssignmentStates manager managerId
		riskLevel riskState isMfaRegistered isAdmin methodsRegistered`,
	ofPass: `isUsable isUsableOnce startDateTime lifetimeInMinutes methodUsabilityReason`,
	ofLog: `recordType operation operations operationType operationName auditData workload activityDisplayName
		activityDateTime initiatedBy targetResources loggedByService correlationId actorType actorUserPrincipalName
		conditionalAccessStatus clientAppUsed appDisplayName`,
	ofEvent: `creationDate creationTime`,
	ofThing: `appId groupTypes securityEnabled mailEnabled membershipRule isAssignableToRole operatingSystem trustType
		profileType deviceId servicePrincipalType servicePrincipalNames signInAudience`,
	ofOther: `attempts riskEventType detectionTimingType detectedDateTime`,
	// Exports of users from Graph, Entra, Exchange and Active Directory have these.
	ignored: `@odata.id @odata.context @odata.etag additionalProperties tenantId homeTenantId organizationId
		azureADDeviceId requestId sessionId lastSignInRequestId lastNonInteractiveSignInRequestId
		lastSuccessfulSignInRequestId skuId licenses groupId groups memberOf roleId roleDefinitionId roleTemplateId
		administrativeUnitId directReports ownedDevices registeredDevices appRoleAssignments objectGuid
		onPremisesObjectIdentifier immutableId externalDirectoryObjectId exchangeGuid archiveGuid mailboxGuid
		legacyExchangeDN emailAddresses alertId caseId incidentId ticketId`,
})

func makeRoles(lists map[role]string) map[string]role {
	all := make(map[string]role)
	for r, list := range lists {
		for column := range strings.FieldsSeq(list) {
			all[fold(column)] = r
		}
	}
	return all
}

// fold converts the name of a column to the form that is compared: "User-Principal Name" becomes
// userprincipalname.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// columns has the names and roles of the columns of a CSV file, or of the members of a JSON object.
type columns struct {
	names     []string
	roles     []role
	code      int   // the column that has the pass itself, -1 if there is none
	needsPass error // refuses rows without a pass; nil if these mean any pass of the user
}

// newColumns finds the roles of columns. It returns an error if they do not belong to a list of users and passes.
// object is ofUser or ofPass if the type of a JSON object shows this, else unknown. usersOnly means that passes are
// ignored.
func newColumns(names []string, object role, usersOnly bool) (*columns, error) {
	c := &columns{names: names, roles: make([]role, len(names))}
	c.code = slices.IndexFunc(names, func(name string) bool { return fold(name) == "temporaryaccesspass" })
	var first [roleCount]string // the first column of each role
	for i, name := range names {
		r := roles[fold(name)]
		c.roles[i] = r
		first[r] = cmp.Or(first[r], name)
		if folded := fold(name); folded == "objecttype" || folded == "isuser" {
			first[ofUser] = name // checkKind refuses rows that are not users
		}
	}
	first[object] = cmp.Or(first[object], "@odata.type")
	has := func(r role) bool { return first[r] != "" }
	other := notUsers(names, &first)
	switch {
	case other != nil && !has(pass):
		return nil, other
	case !has(user) && !has(userName) && !has(userOrPass):
		return nil, errNoUser
	case has(ofPass) && !has(pass) && !has(user) && !has(userName) && !has(ofUser):
		return nil, fmt.Errorf("the list has passes without their users: add the users in a column userId, and rename "+
			"%s to methodId", escaped(first[userOrPass]))
	case has(pass):
		c.needsPass = other
		c.turn(userOrPass, user)
	case !has(userOrPass):
	case has(ofPass) && !has(ofUser) && (has(user) || has(userName)):
		c.turn(userOrPass, pass)
	case has(ofUser) && !has(ofPass) && !has(user):
		c.turn(userOrPass, user)
	default:
		return nil, fmt.Errorf(`column "%s" may be the ID of the user or of the pass: rename it to userId or methodId`,
			escaped(first[userOrPass]))
	}
	if usersOnly {
		c.needsPass = nil
		c.turn(pass, ignored)
	}
	if usersOnly || slices.Contains(c.roles, pass) {
		c.turn(unknown, ignored)
	}
	return c, nil
}

// notUsers returns an error if a column shows that rows without a pass are not users whose pass should be deleted.
// first has the first column of each role.
func notUsers(names []string, first *[roleCount]string) error {
	byUser := slices.ContainsFunc(names, func(name string) bool { return fold(name) == "userid" })
	switch thing := first[ofThing]; {
	case first[ofOther] != "":
		return fmt.Errorf(`column "%s" shows that a row may not be about a pass to delete: make a list with the `+
			"columns user and methodId", escaped(first[ofOther]))
	case first[ofLog] != "", byUser && (first[ofEvent] != "" || fold(thing) == "appid"): // only logs have both
		target := "make a list of the affected users"
		if column := affected(names); column != "" {
			target = fmt.Sprintf("the affected user is in %s: make a list of these users", column)
		}
		return fmt.Errorf(`column "%s" shows that this is an audit or sign-in log, in which the user is the person `+
			"who acted; %s, or find passes with tapsweep scan --created-since",
			escaped(cmp.Or(first[ofLog], first[ofEvent], thing)), target)
	case thing != "":
		return fmt.Errorf(`column "%s" shows that these are devices, groups or apps, not users: make a list of users`,
			escaped(thing))
	}
	return nil
}

// affected returns where an audit log has the user whom the action changed.
func affected(names []string) (where string) {
	for _, name := range names {
		switch folded := fold(name); {
		case strings.HasPrefix(folded, "target") && strings.HasSuffix(folded, "userprincipalname"):
			return fmt.Sprintf(`column "%s"`, escaped(name))
		case folded == "targetresources":
			where = fmt.Sprintf(`userPrincipalName inside column "%s"`, escaped(name))
		case folded == "auditdata":
			where = fmt.Sprintf(`ObjectId inside column "%s"`, escaped(name))
		}
	}
	return where
}

var errNoUser = errors.New("the list has no column for the user: name it user, userId, userPrincipalName or upn, " +
	"and name the column of the pass method or methodId")

func (c *columns) turn(from, to role) {
	for i, r := range c.roles {
		if r == from {
			c.roles[i] = to
		}
	}
}

// fill sets the fields of a row from its values. There is one value for each column.
func (c *columns) fill(r ListRow, values []string) ListRow {
	var users, passes []string
	var refused error
	for i, value := range values {
		r.hasCode = r.hasCode || i == c.code && value != "" && value != "null"
		if value == "null" && c.roles[i] != pass { // as a pass, it may mean that the user has none
			value = ""
		}
		switch c.roles[i] {
		case user, userName:
			users = append(users, value)
		case pass:
			passes = append(passes, value)
		case creation:
			r.Creation.Set(c.names[i], value)
		case kind:
			_, err := checkKind(c.names[i], value)
			refused = cmp.Or(refused, err)
		case unknown:
			if holdsGUID(value) {
				// If the header is missing, the name may be the pass itself.
				refused = cmp.Or(refused, fmt.Errorf(`column %d ("%s") contains a GUID, but its name is not known: `+
					"rename it to methodId if it is the pass ID, or remove it", i+1, shown(c.names[i])))
			}
		}
	}
	r = r.fill(users, passes)
	if r.Err == nil && r.Method == "" {
		refused = cmp.Or(refused, c.needsPass)
	}
	if refused != nil {
		return r.refuse(refused)
	}
	return r
}

// holdsGUID reports whether a value contains a GUID: with hyphens anywhere, or as a word of 32 hex digits. A value may
// be long, and a regular expression is slower.
func holdsGUID(s string) bool {
	const before, all = 8, 36 // characters of a GUID before its first hyphen, and in all
	for i := range len(s) {
		if s[i] == '-' && i >= before && i-before+all <= len(s) && IsGUID(s[i-before:i-before+all]) {
			return true
		}
	}
	word := 0 // where the word begins
	for i := range len(s) + 1 {
		if i < len(s) && (s[i] == '_' || isAlnum(rune(s[i]))) {
			continue
		}
		if i-word == 32 && uuid.Validate(s[word:i]) == nil {
			return true
		}
		word = i + 1
	}
	return false
}

// checkKind returns ofUser or ofPass for the type of a row, such as #microsoft.graph.user, and unknown if the row has
// no type. It returns an error for any other type.
func checkKind(column, value string) (role, error) {
	switch name := fold(value[strings.LastIndexByte(value, '.')+1:]); {
	case name == "", name == "true", name == "null":
		return unknown, nil
	case name == "temporaryaccesspassauthenticationmethod":
		return ofPass, nil
	case name == "userregistrationdetails", strings.HasSuffix(name, "user"):
		return ofUser, nil
	}
	return unknown, fmt.Errorf(`the row is not a user, as column "%s" shows: remove the row`, escaped(column))
}
