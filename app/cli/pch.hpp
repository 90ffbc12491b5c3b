// What every command includes; CLI11 alone is half of a command's compile time. Each source still includes what it uses.
#pragma once

#include "platform/pch/pch.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
