package main

import (
	"testing"

	"github.com/litekeep/litekeep/client"
)

// TestPlacesDown: what is wrong with a place is told once for all databases.
func TestPlacesDown(t *testing.T) {
	down := client.Problem{Kind: "destination-down", Summary: "/mnt/nas cannot be used: is it mounted?", Holds: "You can restore.", Next: "litekeep destinations check /mnt/nas"}
	other := client.Problem{Kind: "destination-down", Summary: "s3://b/x cannot be used: no route"}
	all := []client.Status{
		{Name: "app", Problems: []client.Problem{down, {Kind: "failed", Summary: "The last backup failed.", Holds: "Nothing."}}},
		{Name: "shop", Problems: []client.Problem{down, other}},
		{Name: "wiki"},
	}
	const want = "app: The last backup failed. Nothing.\n" +
		"/mnt/nas cannot be used: is it mounted?\n  databases: app, shop\n  next: litekeep destinations check /mnt/nas\n" +
		"s3://b/x cannot be used: no route\n  databases: shop\n"
	a, out := narrow(0)
	for i := range all {
		if err := a.problems(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.placesDown(all); err != nil || out.String() != want {
		t.Errorf("%s%v", out, err)
	}
}
