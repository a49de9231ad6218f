#include "processor_time.h"

#ifdef _WIN32
#    define WIN32_LEAN_AND_MEAN
#    define NOMINMAX
#    include <windows.h>
#else
#    include <sys/resource.h>
#    include <unistd.h>
#    if defined(__APPLE__)
#        include <mach/mach.h>
#    else
#        include <array>
#        include <cstdio>
#        include <memory>
#    endif
#endif

namespace rast {

#ifdef _WIN32

namespace {

double ms_of(const FILETIME & time) {  // in units of 100 ns
    return (static_cast<double>(time.dwHighDateTime) * 4294967296.0 + static_cast<double>(time.dwLowDateTime)) / 1e4;
}

}  // namespace

std::optional<double> given_processor_ms() {
    FILETIME begun;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;
    if (GetProcessTimes(GetCurrentProcess(), &begun, &ended, &kernel, &user) == 0) {
        return std::nullopt;
    }
    return ms_of(kernel) + ms_of(user);
}

std::optional<double> idle_processor_ms() {
    FILETIME idle;
    FILETIME kernel;
    FILETIME user;
    return GetSystemTimes(&idle, &kernel, &user) == 0 ? std::nullopt : std::optional(ms_of(idle));
}

#else

std::optional<double> given_processor_ms() {
    rusage used{};
    if (getrusage(RUSAGE_SELF, &used) != 0) {
        return std::nullopt;
    }
    const auto ms = [](const timeval & time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return ms(used.ru_utime) + ms(used.ru_stime);
}

#    if defined(__APPLE__)

std::optional<double> idle_processor_ms() {
    host_cpu_load_info_data_t ticks{};
    mach_msg_type_number_t count = HOST_CPU_LOAD_INFO_COUNT;
    const kern_return_t status =
        host_statistics(mach_host_self(), HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&ticks), &count);
    const double ms_per_tick = 1000.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    return status != KERN_SUCCESS ? std::nullopt : std::optional(ms_per_tick * ticks.cpu_ticks[CPU_STATE_IDLE]);
}

#    else

// The first line of /proc/stat: user, nice, system, idle, iowait ...
std::optional<double> idle_processor_ms() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen("/proc/stat", "re"), std::fclose);
    if (!file) {
        return std::nullopt;
    }
    std::array<unsigned long long, 5> ticks{};
    const int read =
        std::fscanf(file.get(), "cpu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4]);
    const double ms_per_tick = 1000.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    return read < 5 ? std::nullopt : std::optional(ms_per_tick * static_cast<double>(ticks[3] + ticks[4]));
}

#    endif

#endif

}  // namespace rast
