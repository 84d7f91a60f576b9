// nfnetlink framing: message types, the nfgenmsg header, transactions.
#pragma once

#include "netlink/channel.h"

#include <netinet/in.h> // before the kernel's own

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <string>

namespace nftables {

using netlink::Batch;
using netlink::Bytes;
using netlink::Control;
using netlink::Failure;
using netlink::failureOf;
using netlink::Message;
using netlink::Status;
using netlink::Writer;

constexpr uint16_t messageType(uint16_t message) { return NFNL_SUBSYS_NFTABLES << 8 | message; }

// Opens a message of nf_tables. Append attributes, then call batch.end().
[[nodiscard]] Writer beginMessage(Batch& batch, uint16_t message, uint16_t flags, uint8_t family = NFPROTO_INET);

// Appends the first message of an atomic batch. If `generation` is not 0, the kernel refuses this message with ERESTART
// unless the ruleset has that generation. The whole batch must be sent by one sendmsg().
void beginTransaction(Batch& batch, uint32_t generation);

// Requests an acknowledgement of the newest message and appends the last one. Without BATCH_END the kernel checks and
// acknowledges the batch but applies nothing; BATCH_END itself is acknowledged only since Linux 6.10.
void endTransaction(Batch& batch);

// The attributes of a message of type `message`. False: another type, or shorter than the header.
[[nodiscard]] bool messageAttributes(const Message& received, uint16_t message, Bytes& attributes);

// Payloads of attributes; numbers are in network order. False: wrong length.
[[nodiscard]] bool readU32(Bytes payload, uint32_t& value);
[[nodiscard]] std::string readText(Bytes payload);

// The payload of the first attribute of this type; empty if there is none.
[[nodiscard]] Bytes findAttribute(Bytes attributes, uint16_t type);

// The status of a refused read request.
[[nodiscard]] Status refusalStatus(int error);

// Reads the ruleset's generation: the number of transactions applied in the network namespace.
[[nodiscard]] Status readGeneration(netlink::Channel& channel, const Control& control, uint32_t& generation);

} // namespace nftables
