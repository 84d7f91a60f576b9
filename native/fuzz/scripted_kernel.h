// A kernel whose answers are the fuzzer's input. The system calls of netlink/socket.cc are wrapped by the linker
// (--wrap), so nothing is sent and nothing waits.
//
// Input: datagrams, each {u16 length, bytes}, little endian. From length 0xff00 on there are no bytes: recvmsg() fails
// with errno = length & 0xff. Behind the last one every recvmsg() fails with ENOBUFS. In each datagram the sequence
// numbers count from the first message of the newest request, so that stored answers fit: 0 answers that message.
#pragma once

#include "netlink/channel.h"
#include "netlink/family.h"

#include <cstdlib>

namespace scripted {

// Aborts, so that the fuzzer stores the input.
inline void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// The number that lookups of the family get, unless the input plays that part as well.
inline constexpr uint16_t familyId = 0x20;

enum class Lookups : uint8_t { answered, leftToInput };

// Starts a script. The answers to family lookups need no input with `Lookups::answered`.
void load(netlink::Bytes input, Lookups lookups);

[[nodiscard]] netlink::Channel::Connector connector();

// Far away: wrapped calls never wait, and no run depends on the clock.
[[nodiscard]] inline netlink::Control control() { return netlink::Control::within(std::chrono::hours(1)); }

} // namespace scripted
