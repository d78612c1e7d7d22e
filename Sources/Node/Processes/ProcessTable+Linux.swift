#if os(Linux)
    import Foundation
    import Glibc

    /// The process table of Linux: `/proc`.
    package struct SystemProcessTable: ProcessTable {
        package init() {}

        package func process(_ pid: Int32) -> ProcessFacts? {
            guard pid > 0, let stat = Self.read("/proc/\(pid)/stat") else { return nil }
            // The second field is the program's name in brackets and may hold anything, brackets and spaces too.
            guard let bracket = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = stat[(bracket + 1)...].split(separator: UInt8(ascii: " "))
            // Counted from the third field of proc(5): state, parent, …, start time (the 22nd).
            guard fields.count > 19, let parent = Int32(Self.text(fields[1])), let start = UInt64(Self.text(fields[19]))
            else { return nil }
            let state = Self.text(fields[0])
            return ProcessFacts(
                pid: pid, parent: parent, isZombie: state == "Z" || state == "X", startTime: start,
                arguments: Self.strings(Self.read("/proc/\(pid)/cmdline") ?? []))
        }

        package func processes() -> [ProcessFacts] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { Int32($0) }.compactMap(process)
        }

        package func environment(of pid: Int32) -> [String: String] {
            var result: [String: String] = [:]
            for entry in Self.strings(Self.read("/proc/\(pid)/environ") ?? []) {
                let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            }
            return result
        }

        package func listener(onPort port: Int) -> Int32? {
            let inodes = Self.listeningInodes(port: port)
            guard !inodes.isEmpty else { return nil }
            let wanted = Set(inodes.map { "socket:[\($0)]" })
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            for pid in names.compactMap({ Int32($0) }) {
                let directory = "/proc/\(pid)/fd"
                for descriptor in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
                    if let target = Self.link("\(directory)/\(descriptor)"), wanted.contains(target) { return pid }
                }
            }
            return nil
        }

        /// Inodes of the sockets in state LISTEN (0A) on that port, from `/proc/net/tcp` and `tcp6`.
        private static func listeningInodes(port: Int) -> [String] {
            var found: [String] = []
            for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
                for line in text(read(table) ?? []).split(separator: "\n").dropFirst() {
                    let fields = line.split(separator: " ")
                    guard fields.count > 9, fields[3] == "0A", let hex = fields[1].split(separator: ":").last,
                        Int(hex, radix: 16) == port
                    else { continue }
                    found.append(String(fields[9]))
                }
            }
            return found
        }

        private static func link(_ path: String) -> String? {
            var buffer = [CChar](repeating: 0, count: 256)
            let count = readlink(path, &buffer, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        private static func strings(_ bytes: [UInt8]) -> [String] {
            var bytes = bytes[...]
            if bytes.last == 0 { bytes.removeLast() }
            guard !bytes.isEmpty else { return [] }
            return bytes.split(separator: 0, omittingEmptySubsequences: false).map(text)
        }

        private static func text(_ bytes: some Sequence<UInt8>) -> String {
            String(decoding: Array(bytes), as: UTF8.self)
        }

        /// Files of `/proc` have no size: read until nothing more comes.
        private static func read(_ path: String) -> [UInt8]? {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            var result: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 16384)
            while true {
                let count = Glibc.read(descriptor, &chunk, chunk.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { return nil }
                if count == 0 { return result }
                result += chunk[..<count]
            }
        }
    }
#endif
