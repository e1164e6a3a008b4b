// Package graphsim is a simulated Microsoft Entra tenant behind a simulated
// Microsoft Graph: users, their Temporary Access Passes, groups, the audit log, the
// report of registrations, $batch, throttling, a token endpoint, and faults on
// request. Tests use it, and so do people who want to rehearse a run before they
// let it loose on a real tenant.
//
// It is strict where Graph is strict and sloppy where Graph is sloppy. A batch
// that Graph would refuse is refused, in Graph's words; the answers to a good one
// come in shuffled order, with header names in varying case, and with a body or
// without one. Two writes for one user in one batch are answered 204 twice and
// carried out once, because that is what was seen to happen; [Stats] tells.
//
// There are three doors to the same rooms. [Tenant.ServeHTTP] takes real HTTP
// requests and demands a token ([Tenant.Start] puts it behind TLS on loopback).
// [Tenant.RoundTrip] does the same without a socket. [Tenant.PostBatch] takes one
// batch body without a token. The latter two start no goroutines and measure time
// with timers only, so they work inside a testing/synctest bubble.
package graphsim
