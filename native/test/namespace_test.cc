// Network namespaces by path. Tests that need privileges are in test/integration.
#include "netlink/namespace.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

using netlink::FailureKind;

TEST_CASE("paths that are not a namespace are refused") {
  CHECK(netlink::Namespace("/nonexistent").enter().error == ENOENT);
  CHECK(netlink::Namespace("/proc/self/status").enter().error == EINVAL);
}

TEST_CASE("a FIFO instead of a namespace is refused without blocking") {
  char directory[] = "/tmp/ipvs-namespace-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK(netlink::Namespace(path).enter().error == EINVAL);
  std::filesystem::remove_all(directory);
}

TEST_CASE("a closed namespace is not opened again") {
  netlink::Namespace closed("/proc/self/ns/net");
  closed.close();
  CHECK(closed.enter().kind == FailureKind::closed);
  CHECK(closed.follow().kind == FailureKind::closed);
}
