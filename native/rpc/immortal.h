// What is never destroyed: threads of connections may outlive all that a program destroys at its end.
#pragma once

namespace rast::rpc {

// To be a static; its memory goes with the process.
template <class T>
union immortal {
    immortal() : value() {}
    ~immortal() {}  // not the value's

    immortal(const immortal &) = delete;
    immortal & operator=(const immortal &) = delete;

    T value;
};

}  // namespace rast::rpc
