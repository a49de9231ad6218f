#include "deep_stack.h"

#include "../error.h"

#include <exception>
#include <string>
#include <utility>

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

[[noreturn]] void refuse(size_t bytes) {
    throw rast_error("ERR_INSUFFICIENT_MEMORY", "No thread could be made with a stack of " +
                                                    std::to_string(bytes >> 20) + " MiB, which the text may need");
}

}  // namespace

#ifdef _WIN32

class deep_thread::system_thread {
  public:
    system_thread(size_t bytes, const std::function<void()> & work)
        : handle_(CreateThread(nullptr, bytes, enter, const_cast<std::function<void()> *>(&work),
                               STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr)) {
        if (handle_ == nullptr) {
            refuse(bytes);
        }
    }

    ~system_thread() {
        WaitForSingleObject(handle_, INFINITE);
        CloseHandle(handle_);
    }

    system_thread(const system_thread &) = delete;
    system_thread & operator=(const system_thread &) = delete;

  private:
    static DWORD WINAPI enter(void * work) {
        (*static_cast<const std::function<void()> *>(work))();
        return 0;
    }

    HANDLE handle_;
};

#else

class deep_thread::system_thread {
  public:
    system_thread(size_t bytes, const std::function<void()> & work) : bytes_(whole_pages(bytes)), stack_(bytes_) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        // signals belong to the program's own threads
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        const bool made = pthread_attr_setstack(&attributes, stack_.get(), bytes_) == 0 &&
                          pthread_create(&thread_, &attributes, enter, const_cast<std::function<void()> *>(&work)) == 0;
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        pthread_attr_destroy(&attributes);
        if (!made) {
            refuse(bytes);
        }
    }

    ~system_thread() { pthread_join(thread_, nullptr); }

    system_thread(const system_thread &) = delete;
    system_thread & operator=(const system_thread &) = delete;

  private:
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

        ~reserved_stack() {
            munmap(memory_, bytes_);
        }

        reserved_stack(const reserved_stack &) = delete;
        reserved_stack & operator=(const reserved_stack &) = delete;

        void * get() const {
            return memory_;
        }

      private:
        void * memory_ = nullptr;
        size_t bytes_;
    };

    static void * enter(void * work) {
        (*static_cast<const std::function<void()> *>(work))();
        return nullptr;
    }

    static size_t whole_pages(size_t bytes) {
        const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        return (bytes + 2 * page - 1) / page * page;
    }

    size_t bytes_;
    const reserved_stack stack_;
    pthread_t thread_{};
};

#endif

deep_thread::deep_thread(size_t stack_bytes, std::function<void()> work)
    : work_(std::move(work)), thread_(std::make_unique<system_thread>(stack_bytes, work_)) {}

deep_thread::~deep_thread() = default;

void run_on_deep_stack(size_t bytes, const std::function<void()> & work) {
    std::exception_ptr failure;
    {
        const deep_thread thread(bytes, [&]() noexcept {
            try {
                work();
            } catch (...) {
                failure = std::current_exception();
            }
        });
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace rast
