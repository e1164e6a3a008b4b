package graph_test

import (
	"log"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tapsweep/batch"
	"tapsweep/batch/graph"
)

// A Runner on Microsoft Graph, with whatever credential the machine has.
func ExampleNew() {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		log.Fatal(err)
	}
	client, err := graph.New(credential, graph.Options{})
	if err != nil {
		log.Fatal(err)
	}
	runner, err := batch.NewRunner(client, batch.Options{Reauthorize: client.Reauthorize})
	if err != nil {
		log.Fatal(err)
	}
	_ = runner // see package batch for what to run
}
