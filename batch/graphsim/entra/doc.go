// Package entra simulates the part of Microsoft Entra ID that gives out tokens: the
// token endpoint with its errors, sign-ins of people, certificates, federated tokens,
// and a managed identity.
//
// A simulated tenant has one as its field Entra. Tests change what it does while a
// program runs:
//
//	tenant.Entra.ExpireSecret()  // the token endpoint refuses the secret
//	tenant.Entra.ExpireTokens()  // Graph refuses all tokens issued so far
//	tenant.Entra.WillSignIn(entra.SignIn{User: user.ID, Scopes: scopes})
//	token := tenant.Entra.Token("User.Read.All") // without asking for a secret
package entra
