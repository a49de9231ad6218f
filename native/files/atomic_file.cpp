#include "atomic_file.h"

#include "file_kind.h"

#include <cerrno>
#include <charconv>
#include <random>
#include <stdexcept>
#include <string_view>
#include <system_error>

#ifdef _WIN32
#    include <io.h>
#    include <process.h>
#else
#    include <fcntl.h>
#    include <signal.h>
#    include <sys/stat.h>
#    include <unistd.h>
#endif

namespace rast {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view suffix = ".part";

[[noreturn]] void fail(int error, const char * what) {
    throw std::system_error(error, std::generic_category(), what);
}

int own_process() {
#ifdef _WIN32
    return _getpid();
#else
    return getpid();
#endif
}

bool is_running(int process) {
#ifdef _WIN32
    (void)process;
    return true;  // an open file cannot be removed there anyway
#else
    return kill(process, 0) == 0 || errno != ESRCH;
#endif
}

fs::path real_target(const std::string & path) {
    const file_facts facts = look_at(path);
    switch (facts.kind) {
        case file_kind::regular:
        case file_kind::missing: break;
        case file_kind::folder: throw std::runtime_error("it is a folder");
        case file_kind::other: throw std::runtime_error("it is a device, a pipe or a socket, not a regular file");
        case file_kind::unknown: throw std::runtime_error(facts.problem);
    }
    fs::path target = native_path(path);
    std::error_code error;
    if (fs::is_symlink(target, error)) {
        const fs::path real = fs::weakly_canonical(target, error);
        if (!error) {
            target = real;
        }
    }
    return target;
}

}  // namespace

atomic_file::atomic_file(const std::string & path) : target_(real_target(path)) {
    remove_leftovers();
    if (!open_nameless()) {
        open_named();
    }
}

atomic_file::~atomic_file() {
    file_.reset();
    if (!temporary_.empty()) {
        std::error_code ignored;
        fs::remove(temporary_, ignored);
    }
}

// "NAME.PROCESS.RANDOM.part"
fs::path atomic_file::unused_name() const {
    std::random_device random;
    fs::path out = target_;
    out += "." + std::to_string(own_process()) + "." + std::to_string(random()) + std::to_string(random());
    out += std::string(suffix);
    return out;
}

void atomic_file::remove_leftovers() const {
    std::error_code ignored;
    const std::u8string begin = target_.filename().u8string() + u8".";
    const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
    for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
        const std::u8string name = at->path().filename().u8string();
        if (!name.starts_with(begin) || !name.ends_with(u8".part")) {
            continue;
        }
        const std::string number(name.begin() + static_cast<std::ptrdiff_t>(begin.size()), name.end());
        int process = 0;
        const auto parsed = std::from_chars(number.data(), number.data() + number.size(), process);
        if (parsed.ec == std::errc() && *parsed.ptr == '.' && process > 0 && !is_running(process)) {
            std::error_code failed;
            fs::remove(at->path(), failed);
        }
    }
}

bool atomic_file::open_nameless() {
#ifdef O_TMPFILE
    const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
    const int fd = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) {
        return false;  // not every file system can
    }
    if (access(("/proc/self/fd/" + std::to_string(fd)).c_str(), F_OK) != 0) {
        close(fd);
        return false;
    }
    file_.reset(fdopen(fd, "wb"));
    if (!file_) {
        close(fd);
    }
    return file_ != nullptr;
#else
    return false;
#endif
}

void atomic_file::open_named() {
    temporary_ = unused_name();
#ifdef _WIN32
    file_.reset(_wfopen(temporary_.c_str(), L"wbx"));
#else
    file_.reset(std::fopen(temporary_.c_str(), "wbxe"));
#endif
    if (!file_) {
        const int error = errno;
        temporary_.clear();  // not ours
        fail(error, "it cannot be created");
    }
}

void atomic_file::write(const void * data, size_t size) {
    if (size > 0 && std::fwrite(data, 1, size, file_.get()) != size) {
        fail(errno, "it cannot be written");
    }
}

void atomic_file::commit() {
    if (std::fflush(file_.get()) != 0) {
        fail(errno, "it cannot be written");
    }
#ifdef _WIN32
    const bool kept = _commit(_fileno(file_.get())) == 0;
#else
    const bool kept = fsync(fileno(file_.get())) == 0 || errno == EINVAL;
#endif
    if (!kept) {
        fail(errno, "it cannot be written");
    }
#ifdef O_TMPFILE
    if (temporary_.empty()) {
        const fs::path name = unused_name();
        const std::string self = "/proc/self/fd/" + std::to_string(fileno(file_.get()));
        if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
            fail(errno, "it cannot be named");
        }
        temporary_ = name;
    }
#endif
    file_.reset();
    std::error_code error;
    fs::rename(temporary_, target_, error);
    if (error) {
        throw std::system_error(error, "it cannot be replaced");
    }
    temporary_.clear();
}

}  // namespace rast
