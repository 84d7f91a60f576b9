// Identity of connections: two rows are of the same connection if only state, expiry and origin differ.
#pragma once

#include "connections/connection.h"

#include <array>
#include <bit>
#include <cstring>

namespace ipvs {

// A fast hash of two words: high half ^ low half of the product.
inline uint64_t mix(uint64_t left, uint64_t right) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product);
}

inline uint64_t hashWords(const uint64_t (&words)[8], uint64_t seed) {
  const uint64_t a = mix(words[0] ^ 0xa0761d6478bd642f ^ seed, words[1] ^ 0xe7037ed1a0b428db);
  const uint64_t b = mix(words[2] ^ 0x8ebc6af09c88c6e3 ^ seed, words[3] ^ 0x589965cc75374cc3);
  const uint64_t c = mix(words[4] ^ 0x1d8e4e27c47d124f ^ seed, words[5] ^ 0xeb44accab455d165);
  const uint64_t d = mix(words[6] ^ 0x2d358dccaa6c78a5 ^ seed, words[7] ^ 0x8bb84b93962eacc9);
  return mix(mix(a, b) ^ seed, mix(c, d) ^ 0x4b33a62ed433d4a3);
}

using RowWords = uint64_t[8];

inline void loadRow(const Connection& row, RowWords& words) { std::memcpy(words, &row, sizeof words); }

inline uint64_t hashRow(const Connection& row, uint64_t seed) {
  RowWords words;
  loadRow(row, words);
  return hashWords(words, seed);
}

// The row with variable members zeroed. They are all in the last two words.
inline void loadIdentity(const Connection& row, RowWords& words) {
  constexpr auto mask = [] {
    Connection kept{};
    kept.clientPort = kept.virtualPort = kept.destinationPort = 0xffff;
    kept.protocol = kept.family = kept.destinationFamily = kept.kind = 0xff;
    return std::bit_cast<std::array<uint64_t, 8>>(kept);
  }();
  static_assert(offsetof(Connection, expires) == 48, "the first six words are addresses");
  loadRow(row, words);
  words[6] &= mask[6];
  words[7] &= mask[7];
}

// Includes the engine's data: calls of one client through a SIP service differ in nothing else.
inline uint64_t hashIdentity(const Connection& row, EngineText engine, uint64_t seed) {
  RowWords words;
  loadIdentity(row, words);
  uint64_t hash = hashWords(words, seed);
  while (!engine.empty()) {
    uint64_t word = engine.size() << 56;
    const size_t taken = engine.size() < 7 ? engine.size() : 7;
    std::memcpy(&word, engine.data(), taken);
    hash = mix(hash ^ word, 0x9e3779b97f4a7c15 ^ seed);
    engine.remove_prefix(taken);
  }
  return hash;
}

inline bool sameIdentity(const Connection& left, const Connection& right) {
  RowWords a;
  RowWords b;
  loadIdentity(left, a);
  loadIdentity(right, b);
  return std::memcmp(a, b, sizeof a) == 0;
}

} // namespace ipvs
