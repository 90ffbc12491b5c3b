// The response headers that every answer of the edge carries (OWASP Secure Headers Project).
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace bv::security {

using header = std::pair<std::string_view, std::string_view>;

inline constexpr std::array<header, 7> secure_headers{{
    {"Content-Security-Policy",
     "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
}};

// Only over TLS (RFC 6797 section 7.2): two years.
inline constexpr header strict_transport_security{"Strict-Transport-Security", "max-age=63072000; includeSubDomains"};

// For answers about one caller, so that no cache keeps them for another.
inline constexpr header private_no_store{"Cache-Control", "no-store"};

}  // namespace bv::security
