// The mark map: a table of nf_tables that sets firewall marks on packets to virtual addresses.
#pragma once

#include "nftables/bridge.h"
#include "nftables/elements.h"
#include "nftables/foreign_marks.h"
#include "nftables/tracer.h"

#include <optional>

namespace nftables {

// The outcome of a change.
struct Applied {
  std::vector<Failure> failures; // empty: the whole change was applied
  Status leftovers;              // not ok: temporary rules (bridge.h) may be left in the table; the reason
};

// Failures with the attribute "table" carry our text, not the kernel's: the table contains an object of another program
// that rows cannot express.
class Marks {
public:
  // `bridging`: whether temporary rules cover the replacement of ranges (bridge.h).
  Marks(netlink::Channel::Connector connector, std::string table, bool bridging = rangesNeedBridges())
      : channel_(std::move(connector)), table_(std::move(table)), bridging_(bridging) {}

  // Opens the socket and checks that nf_tables is available. `tidy`: removes temporary rules left by an interrupted
  // change.
  [[nodiscard]] Status open(const Control& control, bool tidy);

  // Closes the socket. A later call opens another.
  void close() { channel_.close(); }

  // All elements of our maps and rules in our chains, sorted, and their generation of the ruleset. No rows if the table
  // is missing.
  [[nodiscard]] Failure list(const Control& control, std::vector<Element>& rows, uint32_t& generation);

  // Problems of the table, one per line: status.h.
  [[nodiscard]] Failure status(const Control& control, std::string& text);

  // The table in nft syntax, including missing objects that rows require.
  [[nodiscard]] Failure exportTable(const Control& control, std::string& text);

  // One atomic transaction on top of `generation`: removes the first `removed` rows, adds the rest, and creates missing
  // objects. Without rows it only repairs the table. No failures: all was applied. ERESTART: nothing was applied, as
  // the ruleset has another generation. Sets `generation` to the new one if this change is the only difference to the
  // old ruleset, else to 0 (unknown). Returns at the deadline of `control` plus netlink::readBackTime at the latest,
  // unless a system call blocks.
  [[nodiscard]] Applied apply(uint32_t& generation, std::span<const Element> rows, size_t removed,
                              const Control& control);

  // Marks that other tables set.
  [[nodiscard]] Failure find(const Control& control, std::vector<FoundMark>& rows) {
    return findMarks(channel_, table_, control, rows);
  }

  // Verdicts and marks of packets: tracer.h.
  [[nodiscard]] Failure trace(netlink::Channel& routes, const Control& control, std::span<const TracedPacket> packets,
                              std::vector<TraceRow>& rows) {
    return tracePackets(channel_, routes, control, packets, rows);
  }

  // Deletes the table. Succeeds if there is none.
  [[nodiscard]] Failure drop(const Control& control);

private:
  // A message of the transaction and its rows.
  struct Segment {
    size_t message;
    std::vector<size_t> rows;
  };

  // Reading (marks.cc)
  [[nodiscard]] Failure readMap(size_t map, const Control& control, std::vector<Element>& rows, bool& missing,
                                bool& interrupted);
  [[nodiscard]] Failure readRules(const Control& control, std::vector<Element>& rows, bool& interrupted);
  [[nodiscard]] Failure readAll(const Control& control, Objects& objects, std::vector<Element>& rows);
  [[nodiscard]] Failure readOnce(const Control& control, std::vector<Element>& rows, bool (&missing)[mapCount],
                                 bool& interrupted);

  // Writing (apply.cc)
  using RuleMessage = void (*)(Batch& batch, const std::string& table, const Element& element);
  void appendRules(Batch& batch, std::span<const Element> rows, size_t first, size_t last, RuleMessage append);
  void appendElements(Batch& batch, std::span<const Element> rows, size_t first, size_t last, uint16_t message);
  [[nodiscard]] std::vector<Failure> failuresOf(const netlink::Replies& replies) const;
  [[nodiscard]] Failure refusalOf(const netlink::Refusal& refusal) const;
  // `bridged`: set if temporary rules may be in the table.
  [[nodiscard]] std::vector<Failure> change(uint32_t& generation, std::span<const Element> rows, size_t removed,
                                            const Control& control, bool& bridged);

  // Outcomes (outcomes.cc)
  [[nodiscard]] std::optional<Failure> confirm(uint32_t base, uint32_t& generation);
  [[nodiscard]] std::optional<Failure> resolve(Status status, uint32_t base, std::span<const Element> rows,
                                               size_t removed, const Control& control);

  netlink::Channel channel_;
  std::string table_;
  bool bridging_;
  std::vector<Segment> segments_;
};

} // namespace nftables
