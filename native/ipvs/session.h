// IPVS over one generic netlink channel: writes in batches, reads by record, every request ended as done, rejected or
// unknown, and the unknown resolved by reading back as far as that can tell.
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

// What to do with the items behind one that failed.
enum class OnFailure : uint8_t {
  goOn, // each is tried: they have nothing to do with each other
  end,  // those behind a failure that is general (Status::general) are not sent
  stop, // those behind any are not. Each item has a datagram for itself: the kernel would go on with the rest of one
};

// One write. Rows belong to the caller and must outlive the call.
struct Item {
  Operation operation;
  const std::byte* service = nullptr;
  const std::byte* destination = nullptr;
  const std::byte* settings = nullptr; // timeouts or daemon
};

class Session {
public:
  // `shared`: others patch the same tables, and patches have to keep out of each other's way.
  explicit Session(const netlink::Channel::Connector& connector, bool shared = false)
      : channel_(connector), shortAnswers_(connector, netlink::Channel::shortAnswer()), shared_(shared) {}

  // Opens the socket and finds the family.
  [[nodiscard]] Status open(const Control& control);

  // Closes the socket. A later call opens another.
  void close() {
    channel_.close();
    shortAnswers_.close();
    patchLock_.close();
  }

  // Carries out the items in order. Failures come in the order of the items; the last one has `rest` when those from
  // its index on were not sent.
  [[nodiscard]] std::vector<Failure> execute(std::span<const Item> items, const Control& control,
                                             OnFailure onFailure = OnFailure::goOn);

  // Reads into `rows`, one reply record after the other; a status that is not ok says why not. `key`: the service,
  // where the operation needs one. A dump is repeated until two passes agree on the keys, unless `consistent` is
  // false: the kernel walks its tables by index and never says that a dump was torn.
  [[nodiscard]] Failure read(Operation operation, const std::byte* key, bool consistent, const Control& control,
                             Rows& rows);

  // All services, and the destinations of each one after the other: counts[i] of them belong to service i.
  struct Snapshot {
    Rows services;
    Rows destinations;
    std::vector<uint32_t> counts;
  };

  // Reads everything, until two passes agree on all keys unless `consistent` is false. A service that goes while its
  // destinations are read is left out.
  [[nodiscard]] Failure snapshot(bool consistent, const Control& control, Snapshot& found);

private:
  struct Entry { // a message of the chunk under construction
    size_t index;
    Item item;
  };

  // Writes (session.cc)
  void send(const Control& control, std::vector<Failure>& failures);
  [[nodiscard]] std::vector<Failure> attempt(const Control& control);
  [[nodiscard]] Status refreshFamily(const Control& control, bool& changed);

  // What needs a read beside the write (patch.cc)
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
  struct Pass {
    bool complete = false; // all entries came at once: nothing can be missing
    bool repeated = false; // an entry came twice
  };
  [[nodiscard]] Failure dumpPass(netlink::Channel& channel, const Command& command, const std::byte* key,
                                 const Control& control, Rows& rows, Pass& about);
  [[nodiscard]] Failure dump(const Command& command, const std::byte* key, bool consistent, const Control& control,
                             Rows& rows);

  // Snapshots (snapshot.cc)
  [[nodiscard]] Failure snapshotPass(int number, const Control& control, Snapshot& found, bool& repeated);
  [[nodiscard]] Failure destinationsOf(int pass, const std::byte* service, const Control& control, Rows& rows,
                                       bool& repeated);
  void shiftBorders(int pass);

  static constexpr int consistentPasses = 8;

  netlink::Channel channel_;
  netlink::Channel shortAnswers_; // for the many small dumps of a snapshot
  bool shared_;
  PatchLock patchLock_; // from the first patch of an execute() to its end
  uint16_t family_ = 0;
  std::vector<Entry> chunk_;
  std::vector<Row> completed_;     // rows of this chunk that patches were merged into
  std::optional<Listing> current_; // of the service whose destinations were patched last
};

[[nodiscard]] Failure refusalOf(size_t index, const netlink::Acknowledgement& ack, netlink::Bytes request);

} // namespace ipvs
