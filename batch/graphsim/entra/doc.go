// Package entra simulates the part of Microsoft Entra ID that issues tokens: the token
// endpoint with its errors, sign-ins of people, certificates, federated tokens, and a
// managed identity.
//
// A simulated tenant has an Authority in its field Entra. Tests change its behaviour while a
// program runs:
//
//	tenant.Entra.ExpireSecret()  // the token endpoint refuses the secret
//	tenant.Entra.ExpireTokens()  // Graph refuses all tokens issued so far
//	tenant.Entra.WillSignIn(entra.SignIn{User: user.ID, Scopes: scopes})
//	token := tenant.Entra.Token("User.Read.All") // without asking for a secret
package entra
