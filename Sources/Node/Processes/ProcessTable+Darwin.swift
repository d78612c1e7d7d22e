#if canImport(Darwin)
    import Darwin

    /// The process table of macOS: sysctl.
    package struct SystemProcessTable: ProcessTable {
        package init() {}

        package func process(_ pid: Int32) -> ProcessFacts? {
            guard pid > 0 else { return nil }
            return Self.table([CTL_KERN, KERN_PROC, KERN_PROC_PID, pid]).first.map(facts)
        }

        package func processes() -> [ProcessFacts] {
            Self.table([CTL_KERN, KERN_PROC, KERN_PROC_ALL, 0]).map(facts)
        }

        package func environment(of pid: Int32) -> [String: String] {
            var result: [String: String] = [:]
            for entry in Self.strings(of: pid).environment {
                let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            }
            return result
        }

        /// macOS tells only through libproc, socket by socket; a stranger on a port is reported by the port alone.
        package func listener(onPort port: Int) -> Int32? { nil }

        private func facts(_ entry: kinfo_proc) -> ProcessFacts {
            let started = entry.kp_proc.p_un.__p_starttime
            return ProcessFacts(
                pid: entry.kp_proc.p_pid, parent: entry.kp_eproc.e_ppid,
                isZombie: Int32(entry.kp_proc.p_stat) == SZOMB,
                startTime: UInt64(started.tv_sec) * 1_000_000 + UInt64(started.tv_usec),
                arguments: Self.strings(of: entry.kp_proc.p_pid).arguments)
        }

        private static func table(_ name: [Int32]) -> [kinfo_proc] {
            var name = name
            var size = 0
            guard sysctl(&name, UInt32(name.count), nil, &size, nil, 0) == 0, size > 0 else { return [] }
            // The table may grow between the two calls.
            var entries = [kinfo_proc](repeating: kinfo_proc(), count: size / MemoryLayout<kinfo_proc>.stride + 16)
            size = entries.count * MemoryLayout<kinfo_proc>.stride
            guard sysctl(&name, UInt32(name.count), &entries, &size, nil, 0) == 0 else { return [] }
            return Array(entries.prefix(size / MemoryLayout<kinfo_proc>.stride))
        }

        /// KERN_PROCARGS2: the number of arguments, the executable's path, zeros, the arguments, the environment.
        private static func strings(of pid: Int32) -> (arguments: [String], environment: [String]) {
            var name = [CTL_KERN, KERN_PROCARGS2, pid]
            var size = 0
            guard sysctl(&name, 3, nil, &size, nil, 0) == 0, size > 4 else { return ([], []) }
            var bytes = [UInt8](repeating: 0, count: size)
            guard sysctl(&name, 3, &bytes, &size, nil, 0) == 0, size > 4 else { return ([], []) }
            let count = bytes.withUnsafeBytes { Int($0.loadUnaligned(as: Int32.self)) }
            var rest = bytes[4..<size]
            rest = rest.drop { $0 != 0 }.drop { $0 == 0 }
            let all = rest.split(separator: 0, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard count >= 0, count <= all.count else { return ([], []) }
            return (Array(all.prefix(count)), Array(all.dropFirst(count).prefix { !$0.isEmpty }))
        }
    }
#endif
