// A mark map on top of a scripted nf_tables, with helpers for its tests.
#pragma once

#include "fake_tables.h"
#include "mark_rows.h"
#include "nftables/marks.h"

#include <doctest/doctest.h>

#include <mutex>

namespace fake {

using netlink::Control;
using netlink::Failure;
using netlink::FailureKind;
using nftables::Element;

inline Control soon() { return Control::within(std::chrono::seconds(5)); }

inline Element exact(uint32_t last, uint16_t port, uint32_t mark = 7) {
  Element row = markRow("10.0.0.0", "10.0.0.0", 6, port, port, mark);
  row.rule = 1;
  const uint32_t address = netlink::networkOrder(0x0a000000 + last);
  std::memcpy(row.addressFrom, &address, sizeof address);
  std::memcpy(row.addressTo, &address, sizeof address);
  return row;
}

inline Element range(uint16_t from, uint16_t to) {
  Element row = markRow("10.0.0.1", "10.0.0.1", 6, from, to, 7);
  row.rule = 1;
  return row;
}

struct Rig {
  Tables tables;
  std::mutex mutex; // each socket is served by its own thread
  Kernel kernel{[this](const Tables::Requests& requests) {
    const std::lock_guard lock(mutex);
    if (Tables::isTransaction(requests)) {
      tables.remember(requests);
    }
    return tables(requests);
  }};
  nftables::Marks marks{kernel.connector(), "ipvs", true};

  std::vector<Failure> apply(const std::vector<Element>& rows, size_t removed = 0, const Control& control = soon()) {
    generation = tables.generation;
    nftables::Applied applied = marks.apply(generation, rows, removed, control);
    leftovers = applied.leftovers;
    return std::move(applied.failures);
  }

  std::vector<Element> list() {
    std::vector<Element> rows;
    const Failure failure = marks.list(soon(), rows, generation);
    CHECK(failure.status.ok());
    return rows;
  }

  uint32_t generation = 0;
  netlink::Status leftovers; // of the last change

  // Message types of a transaction, without BATCH_BEGIN and BATCH_END.
  [[nodiscard]] std::vector<int> shape(size_t transaction = 0) const {
    const Tables::Requests& requests = tables.transactions.at(transaction);
    CHECK(requests.front().header.nlmsg_type == NFNL_MSG_BATCH_BEGIN);
    CHECK(requests.back().header.nlmsg_type == NFNL_MSG_BATCH_END);
    std::vector<int> types;
    for (size_t i = 1; i + 1 < requests.size(); ++i) {
      CHECK((requests[i].header.nlmsg_type >> 8) == NFNL_SUBSYS_NFTABLES);
      const bool last = i + 2 == requests.size();
      CHECK(((requests[i].header.nlmsg_flags & NLM_F_ACK) != 0) == last);
      const bool exclusive = Tables::messageOf(requests[i]) == NFT_MSG_NEWSETELEM; // never overwrites elements
      CHECK(((requests[i].header.nlmsg_flags & NLM_F_EXCL) != 0) == exclusive);
      types.push_back(Tables::messageOf(requests[i]));
    }
    return types;
  }
};

// Replies to transactions by `what`.
inline void replyToTransactions(Rig& rig, std::function<Tables::Datagrams(const Tables::Requests&)> what) {
  rig.tables.intercept = [what =
                              std::move(what)](const Tables::Requests& requests) -> std::optional<Tables::Datagrams> {
    return Tables::isTransaction(requests) ? std::optional(what(requests)) : std::nullopt;
  };
}

inline const netlink::Message& messageOf(const Tables::Requests& requests, uint8_t type) {
  const auto found = std::ranges::find_if(
      requests, [type](const netlink::Message& message) { return Tables::messageOf(message) == type; });
  return *found;
}

// Offset of element `index` in its message.
inline uint32_t offsetOf(const netlink::Message& message, size_t index) {
  const netlink::Bytes list = nftables::findAttribute(Tables::attributesOf(message), NFTA_SET_ELEM_LIST_ELEMENTS);
  netlink::AttributeReader reader(list);
  netlink::Attribute element;
  for (size_t i = 0; i <= index; ++i) {
    REQUIRE(reader.next(element));
  }
  const std::ptrdiff_t start = list.data() - message.payload.data();
  return static_cast<uint32_t>(sizeof(nlmsghdr) + static_cast<size_t>(start) + element.offset);
}
} // namespace fake
