#!/usr/bin/env bash
# Regenerates openapi/openapi.json out of the handlers, and the dashboard's types out of that.
set -euo pipefail
# shellcheck source=e2e/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

mkdir -p openapi
new=$(mktemp openapi/.openapi.XXXXXX)
trap 'rm -f "$new"' EXIT
cargo run --quiet --locked "${FEATURES[@]}" --bin mainstay -- openapi >"$new"
jq -e .openapi "$new" >/dev/null || die 'the document has no "openapi" field'
chmod 644 "$new"
mv "$new" openapi/openapi.json
npm_ci frontend
(cd frontend && npm run --silent gen)
