// Package conformance has the conformance tests of the Go client: all decision vectors and the script of faults that the clients of every
// language pass, against a world of real servers. tests/conformance/README.md of the repository describes the formats.
//
// The tests are left out unless ROLECALL_CONFORMANCE names the file world.json of a world.
package conformance
