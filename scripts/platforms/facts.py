# What files of libraries say of themselves, as JSON: read by LIEF, judged by link-check.mjs.
import json
import sys

import lief

lief.logging.disable()


def elf(binary):
    segments = lief.ELF.Segment.TYPE
    tags = {entry.tag for entry in binary.dynamic_entries}
    stack = [s for s in binary.segments if s.type == segments.GNU_STACK]
    paths = (lief.ELF.DynamicEntry.TAG.RPATH, lief.ELF.DynamicEntry.TAG.RUNPATH)
    return {
        "format": "ELF",
        "machine": binary.header.machine_type.name,
        "libraries": list(binary.libraries),
        "versions": [a.name for r in binary.symbols_version_requirement for a in r.get_auxiliary_symbols()],
        # those with a version are a library's; weak ones may be absent
        "imports": [
            s.name
            for s in binary.dynamic_symbols
            if s.name and s.shndx == 0 and s.binding.name != "WEAK" and not versioned(s)
        ],
        "exports": [s.name for s in binary.dynamic_symbols if s.name and s.shndx != 0 and s.binding.name != "LOCAL"],
        "searchPaths": [e.paths for e in binary.dynamic_entries if e.tag in paths],
        "executableStack": not stack or bool(int(stack[0].flags) & 1),
        "textRelocations": lief.ELF.DynamicEntry.TAG.TEXTREL in tags,
        "stripped": not any(section.name == ".symtab" for section in binary.sections),
    }


def versioned(symbol):
    version = symbol.symbol_version
    return version is not None and version.has_auxiliary_version


def pe(binary):
    flags = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
    present = binary.optional_header.dll_characteristics_lists
    return {
        "format": "PE",
        "machine": binary.header.machine.name,
        "libraries": [entry.name for entry in binary.imports] + [entry.name for entry in binary.delay_imports],
        "versions": [],
        "imports": [],
        "exports": [e.name for e in binary.get_export().entries] if binary.has_exports else [],
        "timestamps": [binary.header.time_date_stamps] + [d.timestamp for d in binary.debug],
        # then what says when is a hash of the content
        "reproducible": any(d.type.name == "REPRO" for d in binary.debug),
        "debugFiles": [d.filename for d in binary.debug if hasattr(d, "filename")],
        "hardened": all(
            flag in present for flag in (flags.NX_COMPAT, flags.DYNAMIC_BASE, flags.HIGH_ENTROPY_VA)
        ),
    }


def macho(binary):
    system = binary.build_version
    signature = None
    if binary.has_code_signature:
        command = binary.code_signature
        signature = {"offset": command.data_offset, "bytes": command.data_size}
    return {
        "format": "MACHO",
        "machine": binary.header.cpu_type.name,
        "libraries": [library.name for library in binary.libraries if library.command.name != "ID_DYLIB"],
        "versions": [],
        "imports": [
            s.name.removeprefix("_")
            for s in binary.imported_symbols
            # by no library's name: looked up in the program that loads it
            if s.has_binding_info and s.binding_info.library_ordinal == -2
        ],
        "exports": [s.name.removeprefix("_") for s in binary.exported_symbols if s.has_export_info],
        "weakBindings": sorted({b.symbol.name for b in binary.bindings if b.has_symbol and b.library_ordinal == -3}),
        "minimumSystem": ".".join(map(str, system.minos)) if system is not None else None,
        "searchPaths": [r.path for r in binary.rpaths],
        "signature": signature,
    }


def facts(path):
    binary = lief.parse(path)
    if isinstance(binary, lief.ELF.Binary):
        return elf(binary)
    if isinstance(binary, lief.PE.Binary):
        return pe(binary)
    if isinstance(binary, lief.MachO.Binary):
        return macho(binary)
    return {"format": None}


json.dump([facts(path) for path in sys.argv[1:]], sys.stdout)
