// The registry of the distribution project, with its own command line: registry serve CONFIGURATION. It stores blobs
// in the file system only; the clouds' drivers would triple the build.
package main

import (
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"

	"github.com/distribution/distribution/v3/registry"
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		panic(err)
	}
}
