// The mark map: one table of nf_tables that gives packets to virtual addresses their firewall marks.
#pragma once

#include "nftables/bridge.h"
#include "nftables/elements.h"
#include "nftables/foreign_marks.h"
#include "nftables/tracer.h"

#include <optional>

namespace nftables {

// How a change ended.
struct Applied {
  std::vector<Failure> failures; // none: all of it was done
  Status leftovers;              // not ok: temporary rules may have stayed in the table, for this reason (bridge.h)
};

// Failures whose attribute is "table" carry our own words, not the kernel's: somebody else made something in our table
// that we cannot work with.
class Marks {
public:
  // `bridging`: whether ranges that others take over from are bridged (bridge.h).
  Marks(netlink::Channel::Connector connector, std::string table, bool bridging = rangesNeedBridges())
      : channel_(std::move(connector)), table_(std::move(table)), bridging_(bridging) {}

  // Opens the socket and asks whether nf_tables is there. `tidy`: removes temporary rules that a change which was
  // killed has left.
  [[nodiscard]] Status open(const Control& control, bool tidy);

  // Closes the socket. A later call opens another.
  void close() { channel_.close(); }

  // All elements of our maps and rules in our chains, sorted, and the generation of the ruleset that they belong to. A
  // missing table has none.
  [[nodiscard]] Failure list(const Control& control, std::vector<Element>& rows, uint32_t& generation);

  // What keeps rows from having an effect and what is too much, a line each: status.h.
  [[nodiscard]] Failure status(const Control& control, std::string& text);

  // The table in the language of nft, with everything that rows need.
  [[nodiscard]] Failure exportTable(const Control& control, std::string& text);

  // One transaction on top of `generation`: removes the first `removed` rows and adds the others, creating what they
  // need and what others have removed. All or nothing; without failures all of it was done, with ERESTART nothing
  // because the ruleset is no longer `generation`. No rows: only repairs what is there. Afterwards `generation` is
  // that of a ruleset which differs from before by this change and nothing else, or 0: nobody knows. Ends at the
  // deadline of `control` plus netlink::readBackTime at the latest, as far as the kernel does not hold it up.
  [[nodiscard]] Applied apply(uint32_t& generation, std::span<const Element> rows, size_t removed,
                              const Control& control);

  // Marks that other tables give.
  [[nodiscard]] Failure find(const Control& control, std::vector<FoundMark>& rows) {
    return findMarks(channel_, table_, control, rows);
  }

  // What would become of packets.
  [[nodiscard]] Failure trace(netlink::Channel& routes, const Control& control, std::span<const TracedPacket> packets,
                              std::vector<TraceRow>& rows) {
    return tracePackets(channel_, routes, control, packets, rows);
  }

  // Removes the table. There is none afterwards, whether there was or not.
  [[nodiscard]] Failure drop(const Control& control);

private:
  // A message of the transaction and the rows in it.
  struct Segment {
    size_t message;
    std::vector<size_t> rows;
  };

  // Reading (marks.cc)
  [[nodiscard]] Failure readMap(size_t map, const Control& control, std::vector<Element>& rows, bool& missing,
                                bool& interrupted);
  [[nodiscard]] Failure readRules(const Control& control, std::vector<Element>& rows, bool& interrupted);
  [[nodiscard]] Failure all(const Control& control, Objects& objects, std::vector<Element>& rows);
  [[nodiscard]] Failure pass(const Control& control, std::vector<Element>& rows, bool (&missing)[mapCount],
                             bool& interrupted);

  // Writing (apply.cc)
  using RuleMessage = void (*)(Batch& batch, const std::string& table, const Element& element);
  void appendRules(Batch& batch, std::span<const Element> rows, size_t first, size_t last, RuleMessage append);
  void appendElements(Batch& batch, std::span<const Element> rows, size_t first, size_t last, uint16_t message);
  [[nodiscard]] std::vector<Failure> failuresOf(const netlink::Answers& answers) const;
  [[nodiscard]] Failure refusalOf(const netlink::Refusal& refusal) const;
  // `bridged`: temporary rules may be in the table.
  [[nodiscard]] std::vector<Failure> change(uint32_t& generation, std::span<const Element> rows, size_t removed,
                                            const Control& control, bool& bridged);

  // What to believe (settle.cc)
  [[nodiscard]] std::optional<Failure> confirm(uint32_t base, uint32_t& generation);
  [[nodiscard]] std::optional<Failure> resolve(Status status, uint32_t base, std::span<const Element> rows,
                                               size_t removed, const Control& control);

  netlink::Channel channel_;
  std::string table_;
  bool bridging_;
  std::vector<Segment> segments_;
};

} // namespace nftables
