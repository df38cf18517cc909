// SPDX-License-Identifier: MIT
module portermem/peers

go 1.25.0

require github.com/apache/arrow-go/v18 v18.8.0

require golang.org/x/sys v0.47.0
