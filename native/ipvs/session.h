// IPVS over generic netlink: writes in batches, and reads. Every write ends as done, rejected or unknown; unknown ones
// are resolved by reading back if that is conclusive.
#pragma once

#include "ipvs/commands.h"
#include "ipvs/listing.h"
#include "ipvs/patch_lock.h"
#include "netlink/channel.h"
#include "netlink/family.h"

#include <optional>
#include <vector>

namespace ipvs {

using netlink::Control;
using netlink::Failure;
using netlink::failureOf;
using netlink::Status;

// The effect of a failed item on the items behind it.
enum class OnFailure : uint8_t {
  goOn, // none
  end,  // after a general failure (Status::general), items of later chunks are not sent
  stop, // after any failure, later items are not sent. One datagram per item, as the kernel processes whole datagrams
};

// One write. Rows are owned by the caller and must outlive the call.
struct Item {
  Operation operation;
  const std::byte* service = nullptr;
  const std::byte* destination = nullptr;
  const std::byte* settings = nullptr; // timeouts or daemon
};

class Session {
public:
  // `shared`: other sessions or processes patch the same tables: take the PatchLock.
  explicit Session(const netlink::Channel::Connector& connector, bool shared = false)
      : channel_(connector), shortReplies_(connector, netlink::Channel::shortReply()), shared_(shared) {}

  // Opens the socket and resolves the family.
  [[nodiscard]] Status open(const Control& control);

  // Closes the socket. A later call opens another.
  void close() {
    channel_.close();
    shortReplies_.close();
    patchLock_.close();
  }

  // Carries out the items in order. Returns failures in the order of the items; the last one has `rest` if the items
  // from its index on were not sent.
  [[nodiscard]] std::vector<Failure> execute(std::span<const Item> items, const Control& control,
                                             OnFailure onFailure = OnFailure::goOn);

  // Reads reply records into `rows`. `key`: the service, for operations that need one. `consistent`: repeats a dump
  // until two passes agree on the keys, as the kernel walks its tables by index and never flags a dump as inconsistent.
  [[nodiscard]] Failure read(Operation operation, const std::byte* key, bool consistent, const Control& control,
                             Rows& rows);

  // All services, and their destinations in the same order; counts[i]: number of destinations of service i.
  struct Snapshot {
    Rows services;
    Rows destinations;
    std::vector<uint32_t> counts;
  };

  // Reads all services and destinations. `consistent`: repeats until two passes agree on all keys. Without it, a
  // service deleted during the read is left out.
  [[nodiscard]] Failure snapshot(bool consistent, const Control& control, Snapshot& snapshot);

private:
  struct Entry { // a message of the chunk under construction
    size_t index;
    Item item;
  };

  // Writes (session.cc)
  void send(const Control& control, std::vector<Failure>& failures);
  [[nodiscard]] std::vector<Failure> attempt(const Control& control);
  [[nodiscard]] Status refreshFamily(const Control& control, bool& changed);

  // Writes with reads (patch.cc)
  [[nodiscard]] Failure complete(Item& item, const Control& control, std::vector<Failure>& failures);
  [[nodiscard]] Failure currentRow(const Item& item, const Control& control, Rows& row);
  [[nodiscard]] bool waitsFor(const Item& item) const;
  [[nodiscard]] Failure findDestination(const Item& item, const Control& control, Rows& found);
  void resolve(const Item& item, Failure& failure, const Control& control);
  void resolveSettings(const Item& item, Failure& failure, const Control& control);

  // Reads (read.cc)
  [[nodiscard]] Failure get(const Command& command, const std::byte* key, const Control& control, Rows& rows);
  [[nodiscard]] Failure pass(netlink::Channel& channel, const Command& command, const std::byte* key,
                             const Control& control, Rows& rows, bool& complete);
  struct PassInfo {
    bool complete = false; // all entries came in one datagram: none can be missing
    bool repeated = false; // an entry came twice
  };
  [[nodiscard]] Failure dumpPass(netlink::Channel& channel, const Command& command, const std::byte* key,
                                 const Control& control, Rows& rows, PassInfo& info);
  [[nodiscard]] Failure dump(const Command& command, const std::byte* key, bool consistent, const Control& control,
                             Rows& rows);

  // Snapshots (snapshot.cc)
  [[nodiscard]] Failure snapshotPass(int number, const Control& control, Snapshot& snapshot, bool& repeated);
  [[nodiscard]] Failure destinationsOf(int pass, const std::byte* service, const Control& control, Rows& rows,
                                       bool& repeated);
  void shiftBoundaries(int pass);

  static constexpr int consistentPasses = 8;

  netlink::Channel channel_;
  netlink::Channel shortReplies_; // for the many small dumps of a snapshot
  bool shared_;
  PatchLock patchLock_; // held from the first patch of an execute() to its end
  uint16_t family_ = 0;
  std::vector<Entry> chunk_;
  std::vector<Row> completed_;     // merged rows of the patches in chunk_
  std::optional<Listing> current_; // destinations of the service that was patched last
};

[[nodiscard]] Failure refusalOf(size_t index, const netlink::Acknowledgement& ack, netlink::Bytes request);

} // namespace ipvs
