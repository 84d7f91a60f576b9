#include "nftables/export.h"

#include "nftables/prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <functional>

namespace nftables {
namespace {

std::string hex(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08" PRIx32, number);
  return text;
}

std::string addressText(uint16_t family, const std::byte* address) {
  char text[INET6_ADDRSTRLEN] = {};
  (void)inet_ntop(family, address, text, sizeof text);
  return text;
}

std::string blockText(uint16_t family, const std::byte* from, const std::byte* to) {
  const size_t length = family == AF_INET ? 4 : 16;
  const std::optional<size_t> prefix = prefixOf(from, to, length);
  const std::string first = addressText(family, from);
  if (!prefix) {
    return first + '-' + addressText(family, to);
  }
  return *prefix == length * 8 ? first : first + '/' + std::to_string(*prefix);
}

std::string portsText(uint16_t from, uint16_t to) {
  return from == to ? std::to_string(from) : std::to_string(from) + '-' + std::to_string(to);
}

std::string protocolText(uint16_t protocol) {
  switch (protocol) {
  case 0:
    return "0-255";
  case IPPROTO_TCP:
    return "tcp";
  case IPPROTO_UDP:
    return "udp";
  case IPPROTO_SCTP:
    return "sctp";
  default:
    return std::to_string(protocol);
  }
}

std::string counterText(const Element& row) {
  return row.counter == 0 ? std::string()
                          : " counter packets " + std::to_string(row.packets) + " bytes " + std::to_string(row.bytes);
}

std::string commentText(const Element& row) {
  return row.comment[0] == '\0' ? std::string() : std::string(" comment \"") + row.comment + '"';
}

std::string elementText(const MapDefinition& map, const Element& row) {
  std::string text = blockText(row.family, row.addressFrom, row.addressTo) + " . " + protocolText(row.protocol);
  if (map.ports()) {
    text += " . " + portsText(row.portFrom, row.portTo);
  }
  return text + counterText(row) + commentText(row) + " : " + hex(row.mark);
}

std::string actionText(const Element& row) {
  switch (static_cast<Place>(row.place)) {
  case Place::srcnat:
    return " masquerade";
  case Place::dstnat:
    return row.targetPort == 0 ? " redirect" : " redirect to :" + std::to_string(row.targetPort);
  default:
    return row.mask == UINT32_MAX ? " meta mark set " + hex(row.mark)
                                  : " meta mark set meta mark & " + hex(~row.mask) + " | " + hex(row.mark);
  }
}

std::string ruleText(const Element& row) {
  const bool ipv4 = row.family == AF_INET;
  const std::string header = ipv4 ? "ip" : "ip6";
  const size_t length = ipv4 ? 4 : 16;
  std::string text = std::string("meta nfproto ") + (ipv4 ? "ipv4" : "ipv6");
  const auto address = [&](const char* field, const std::byte* from, const std::byte* to) {
    if (prefixOf(from, to, length) != size_t{0}) {
      text += ' ' + header + ' ' + field + ' ' + blockText(row.family, from, to);
    }
  };
  const auto ports = [&](const char* field, uint16_t from, uint16_t to) {
    if (!anyPort(from, to)) {
      text += std::string(" th ") + field + ' ' + portsText(from, to);
    }
  };
  if (row.interface[0] != '\0') {
    text += std::string(" iifname \"") + row.interface + '"';
  }
  address("daddr", row.addressFrom, row.addressTo); // before the source: see writeRule()
  address("saddr", row.sourceFrom, row.sourceTo);
  if (row.protocol != 0) {
    text += " meta l4proto " + protocolText(row.protocol);
  }
  ports("dport", row.portFrom, row.portTo);
  ports("sport", row.sourcePortFrom, row.sourcePortTo);
  return text + counterText(row) + actionText(row) + commentText(row);
}

std::string mapText(const MapDefinition& map, std::span<const Element> rows) {
  std::string text = std::string("\tmap ") + map.name + " {\n\t\ttype " +
                     (map.family == AF_INET ? "ipv4_addr" : "ipv6_addr") + " . inet_proto" +
                     (map.ports() ? " . inet_service" : "") + " : mark\n";
  if (map.interval()) {
    text += "\t\tflags interval\n";
  }
  if (map.counted()) {
    text += "\t\tcounter\n";
  }
  const char* before = "\t\telements = {\n\t\t\t";
  bool any = false;
  for (const Element& row : rows) {
    if (!isRule(row) && &maps[mapOf(row)] == &map) {
      text += before + elementText(map, row);
      before = ",\n\t\t\t";
      any = true;
    }
  }
  return text + (any ? "\n\t\t}\n" : "") + "\t}\n";
}

std::string lookupText(const MapDefinition& map) {
  return std::string("\t\tmeta mark set ") + (map.family == AF_INET ? "ip" : "ip6") + " daddr . meta l4proto" +
         (map.ports() ? " . th dport" : "") + " map @" + map.name + '\n';
}

std::string chainText(size_t number, const Objects& objects, std::span<const Element> rows) {
  const ChainDefinition& chain = chains[number];
  std::string text = std::string("\tchain ") + chain.name + " {\n";
  if (chain.type != nullptr) {
    text += std::string("\t\ttype ") + chain.type + " hook " + chain.hookName + " priority " +
            std::to_string(chain.priority) + "; policy accept;\n";
  }
  for (size_t i = 0; i < jumpCount; ++i) {
    if (jumps[i].from == number && objects.jump[i]) {
      text += std::string("\t\tjump ") + chains[jumps[i].to].name + '\n';
    }
  }
  for (size_t i = 0; i < mapCount; ++i) {
    if (number == MARKS && objects.lookup[i]) {
      text += lookupText(maps[i]);
    }
  }
  for (const bool qualified : {false, true}) { // the order in the chain `special`
    for (const Element& row : rows) {
      if (isRule(row) && chainOf(static_cast<Place>(row.place)) == number && isQualified(row) == qualified) {
        text += "\t\t" + ruleText(row) + '\n';
      }
    }
  }
  return text + "\t}\n";
}

// The existing objects plus the missing ones that rows require.
Objects withMissing(Objects objects, std::span<const Element> rows) {
  const Objects missing = missingObjects(objects, needsOf(rows));
  const auto add = [](auto& all, const auto& more) {
    std::ranges::transform(all, more, std::begin(all), std::logical_or());
  };
  add(objects.chain, missing.chain);
  add(objects.jump, missing.jump);
  add(objects.lookup, missing.lookup);
  return objects;
}

} // namespace

std::string exportText(const std::string& table, const Objects& existing, std::span<const Element> rows) {
  const Objects objects = withMissing(existing, rows);
  const std::string name = "table inet " + table;
  // Creates the table before deleting it: `delete` fails if there is none.
  std::string text = "#!/usr/sbin/nft -f\n" + name + "\ndelete " + name + '\n';
  if (!objects.table) {
    return text;
  }
  text += name + " {\n";
  for (size_t i = 0; i < mapCount; ++i) {
    text += objects.map[i] ? mapText(maps[i], rows) : std::string();
  }
  for (size_t i = 0; i < chainCount; ++i) {
    text += objects.chain[i] ? chainText(i, objects, rows) : std::string();
  }
  return text + "}\n";
}

} // namespace nftables
