// Until Linux 6.17, elements of an interval map that a transaction adds are not found before a moment after those that
// it removes are not found any more: the kernel looks both up in a copy that it exchanges last. Rules take effect in
// time. So a transaction that puts ranges in the place of others has a rule for each of them as well, in front of the
// lookups, and the next one takes these away.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

#include <span>

namespace nftables {

// The rows behind the first `removed` ones that take packets over from ranges that go.
[[nodiscard]] std::vector<size_t> bridgedRows(std::span<const Element> rows, size_t removed);

// NFT_MSG_NEWRULE: what the element says.
void appendBridge(Batch& batch, const std::string& table, const Element& element);

// NFT_MSG_DELRULE for such rules.
void appendBridgeRemovals(Batch& batch, const std::string& table, std::span<const uint64_t> handles);

} // namespace nftables
