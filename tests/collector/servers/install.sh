#!/usr/bin/env bash
# install.sh [victoria-logs|kafka|opensearch|system]… : the real servers that the tests of the Collector talk to, all of them by default.
# They go to build/servers; what the system's package manager has is taken from there, with sudo where we are not root.  Whatever
# cannot be had is named, and the tests that need it skip by that name (or fail, with REQUIRE_COLLECTOR=1).
set -uo pipefail
cd "$(dirname "$0")/../../.."
source=$PWD/tests/collector/servers target=$PWD/build/servers
mkdir -p "$target"
missing=()

victoria_logs() {
  [ -x "$target/victoria-logs" ] && return
  command -v go >/dev/null || { missing+=("VictoriaLogs: needs Go 1.26 or newer"); return; }
  GOBIN=$target CGO_ENABLED=0 go install -trimpath -ldflags="-s -w" github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@v1.52.1 ||
    missing+=("VictoriaLogs: could not be built")
}

jars() { # name, its name for people
  [ -e "$target/$1/installed" ] && [ "$target/$1/installed" -nt "$source/$1.xml" ] && return
  command -v java >/dev/null && command -v mvn >/dev/null || { missing+=("$2: needs a JDK 17 or newer and Maven"); return; }
  rm -rf "${target:?}/$1"
  mvn -B -q -f "$source/$1.xml" dependency:copy-dependencies -DoutputDirectory="$target/$1/lib" -DincludeScope=runtime &&
    touch "$target/$1/installed" || missing+=("$2: Maven could not fetch it")
}

system() {
  local need=()
  command -v prometheus >/dev/null && command -v promtool >/dev/null || need+=(prometheus)
  command -v amtool >/dev/null || need+=(prometheus-alertmanager)
  [ -x /usr/sbin/rsyslogd ] || need+=(rsyslog)
  compgen -G '/usr/lib/*/rsyslog/lmnsd_gtls.so' >/dev/null || need+=(rsyslog-gnutls)
  command -v openssl >/dev/null || need+=(openssl)
  [ ${#need[@]} -eq 0 ] && return
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo -n)
  if command -v apt-get >/dev/null && "${root[@]}" true 2>/dev/null; then
    "${root[@]}" apt-get -o Acquire::Retries=3 update -qq &&
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends "${need[@]}" >/dev/null && return
  fi
  missing+=("${need[@]/%/: install it with the package manager of the system}")
}

for each in "${@:-victoria-logs kafka opensearch system}"; do
  for one in $each; do
    case $one in
      victoria-logs) victoria_logs ;;
      kafka) jars kafka Kafka ;;
      opensearch) jars opensearch OpenSearch ;;
      system) system ;;
      *) echo "no server is called $one" >&2; exit 2 ;;
    esac
  done
done
[ ${#missing[@]} -eq 0 ] || printf 'MISSING %s\n' "${missing[@]}" >&2
