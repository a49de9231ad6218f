// A file that appears whole at its path or not at all, whoever else writes there at the same time.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace rast {

// Written without a name where the system can (Linux), so that a process that is killed leaves nothing behind;
// elsewhere beside the path, under a name that no other writer has. What dead writers left there is removed by the
// next. Errors are std::system_error.
class atomic_file {
  public:
    // Refuses a path at which something else than a regular file lies. A link is followed.
    explicit atomic_file(const std::string & path);
    // Without commit(): nothing remains.
    ~atomic_file();
    atomic_file(const atomic_file &) = delete;
    atomic_file & operator=(const atomic_file &) = delete;

    void write(const void * data, size_t size);

    // Brings it to the disk, then to its path, replacing what was there.
    void commit();

  private:
    struct closer {
        void operator()(std::FILE * file) const { std::fclose(file); }
    };

    bool open_nameless();
    void open_named();
    void remove_leftovers() const;
    std::filesystem::path unused_name() const;

    std::filesystem::path target_;
    std::filesystem::path temporary_;  // empty while the file has no name
    std::unique_ptr<std::FILE, closer> file_;
};

}  // namespace rast
