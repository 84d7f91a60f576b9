// A kernel whose replies are the fuzzer's input. The linker wraps the system calls of netlink/socket.cc (--wrap), so
// nothing is sent and no call blocks.
//
// Input: datagrams, each {u16 length, bytes}, little endian. A length from 0xff00 on has no bytes: recvmsg() fails with
// errno = length & 0xff. After the last datagram every recvmsg() fails with ENOBUFS. Sequence numbers are relative to
// the first message of the newest request (0: a reply to this message), so that stored replies fit every run.
#pragma once

#include "netlink/channel.h"
#include "netlink/family.h"

#include <cstdlib>

namespace scripted {

// Aborts on failure, so that the fuzzer stores the input.
inline void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// The family number in replies to lookups, unless the input contains these as well.
inline constexpr uint16_t familyId = 0x20;

enum class Lookups : uint8_t { answered, leftToInput };

// Starts a script. Lookups::answered: replies to family lookups are not part of the input.
void load(netlink::Bytes input, Lookups lookups);

[[nodiscard]] netlink::Channel::Connector connector();

// A distant deadline: wrapped calls never wait, and no run depends on the clock.
[[nodiscard]] inline netlink::Control control() { return netlink::Control::within(std::chrono::hours(1)); }

} // namespace scripted
