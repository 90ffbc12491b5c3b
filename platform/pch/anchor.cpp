// Anchors the precompiled header; see pch.hpp.
