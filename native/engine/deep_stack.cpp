#include "deep_stack.h"

#include "error.h"

#include <exception>
#include <string>

#ifdef _WIN32
#    define WIN32_LEAN_AND_MEAN
#    define NOMINMAX
#    include <windows.h>
#else
#    include <pthread.h>
#    include <signal.h>
#    include <sys/mman.h>
#    include <unistd.h>
#endif

namespace rast {

namespace {

struct job {
    const std::function<void()> & work;
    std::exception_ptr failure;

    void run() noexcept {
        try {
            work();
        } catch (...) {
            failure = std::current_exception();
        }
    }
};

[[noreturn]] void refuse(size_t bytes) {
    throw rast_error("ERR_INSUFFICIENT_MEMORY", "No thread could be made with a stack of " +
                                                    std::to_string(bytes >> 20) + " MiB, which the text may need");
}

#ifdef _WIN32

DWORD WINAPI enter(void * argument) {
    static_cast<job *>(argument)->run();
    return 0;
}

void run_job(size_t bytes, job & one) {
    HANDLE thread = CreateThread(nullptr, bytes, enter, &one, STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
    if (thread == nullptr) {
        refuse(bytes);
    }
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

#else

void * enter(void * argument) {
    static_cast<job *>(argument)->run();
    return nullptr;
}

// Address space without a claim on memory: pthread_attr_setstacksize would claim all of it.
class reserved_stack {
  public:
    explicit reserved_stack(size_t bytes) : bytes_(bytes) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#    ifdef MAP_NORESERVE
        flags |= MAP_NORESERVE;
#    endif
#    ifdef MAP_STACK
        flags |= MAP_STACK;
#    endif
        memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory_ == MAP_FAILED) {
            refuse(bytes);
        }
        // a guard at its end
        mprotect(memory_, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
    }

    ~reserved_stack() { munmap(memory_, bytes_); }

    reserved_stack(const reserved_stack &) = delete;
    reserved_stack & operator=(const reserved_stack &) = delete;

    void * get() const { return memory_; }

  private:
    void * memory_ = nullptr;
    size_t bytes_;
};

void run_job(size_t bytes, job & one) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    bytes = (bytes + 2 * page - 1) / page * page;
    const reserved_stack stack(bytes);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // signals belong to the program's own threads
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const bool made = pthread_attr_setstack(&attributes, stack.get(), bytes) == 0 &&
                      pthread_create(&thread, &attributes, enter, &one) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (!made) {
        refuse(bytes);
    }
    pthread_join(thread, nullptr);
}

#endif

}  // namespace

void run_on_deep_stack(size_t bytes, const std::function<void()> & work) {
    job one{work, nullptr};
    run_job(bytes, one);
    if (one.failure) {
        std::rethrow_exception(one.failure);
    }
}

}  // namespace rast
