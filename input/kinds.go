package input

import (
	"fmt"
	"slices"
	"strings"
)

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
