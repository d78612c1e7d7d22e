import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Fetches one file: continues where an earlier attempt stopped, checks it, and only then gives it its name.
package struct FileDownload: Sendable {
    package var url: String
    package var target: String
    /// Hexadecimal SHA-256 of the whole file, where it is known.
    package var sha256: String?
    /// Attempts in a row that may bring nothing.
    package var patience = 4
    /// What is done before attempt 1, 2, … that follows one in vain; a test waits for nothing.
    package var pause: @Sendable (_ attempt: Int) async -> Void = { attempt in
        try? await Task.sleep(for: .seconds(min(1 << (attempt - 1), 30)))
    }

    package init(_ url: String, to target: String, sha256: String? = nil) {
        self.url = url
        self.target = target
        self.sha256 = sha256
    }

    private var part: PartialFile { PartialFile(target: target) }

    /// - Parameter report: called whenever bytes arrive, on another thread: how many there are, and of how many.
    /// - Throws: ``DownloadFailure``. What has arrived stays beside the target, unless its checksum is wrong.
    package func run(
        report: @escaping @Sendable (_ count: Int64, _ total: Int64?) -> Void = { _, _ in }
    ) async throws(DownloadFailure) {
        let directory = (target as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw .disk(path: directory, reason: error.localizedDescription)
        }
        guard access(directory, W_OK) == 0 else {
            throw .disk(path: directory, reason: String(cString: strerror(errno)))
        }
        guard let lock = FileLock.tryTaking(part.path, creating: true) else { throw .busy(target) }
        defer {
            // Nothing arrived: nothing is left lying about.
            if part.count == 0 { part.discard() }
            withExtendedLifetime(lock) {}
        }
        var wasContinued = try await fetch(report)
        if let sha256 {
            var found = try hash()
            if found != sha256.lowercased(), wasContinued {
                // The file behind the address may have changed without its validator.
                truncate()
                wasContinued = try await fetch(report)
                found = try hash()
            }
            guard found == sha256.lowercased() else {
                part.discard()
                throw .checksum(url: url, expected: sha256.lowercased(), found: found)
            }
        }
        try place()
    }

    /// Tries until the partial file is whole.
    ///
    /// - Returns: whether it was put together from several replies.
    private func fetch(_ report: @escaping @Sendable (Int64, Int64?) -> Void) async throws(DownloadFailure) -> Bool {
        var inVain = 0
        var wasContinued = false
        while true {
            let resumption = Resumption(url: url, held: part.count, origin: part.origin)
            guard let writer = PartWriter(part, resumption, report: report) else {
                throw .disk(path: part.path, reason: String(cString: strerror(errno)))
            }
            var failure: CurlFailure?
            do { _ = try await Curl.perform(Curl.Request(url, headers: resumption.headers), into: writer) } catch {
                failure = error
            }
            let result = writer.result
            if let problem = result.problem { throw .disk(path: part.path, reason: problem) }
            if Task.isCancelled { throw .stopped(part: part.path, kept: part.origin == nil ? 0 : result.count) }
            let trouble: DownloadFailure
            switch result.meaning {
            case .complete:
                return true
            case .rest where failure == nil && isWhole(result):
                return true
            case .whole where failure == nil && isWhole(result):
                return wasContinued
            case .refused(let status):
                trouble = .status(url: url, status)
                guard Resumption.isTransient(status: status) else { throw trouble }
            case .startOver:
                truncate()
                trouble = .network(url: url, CurlFailure(.cut, reason: "the file there has changed"), kept: 0)
            case .rest, .whole, nil:
                let reason = failure ?? CurlFailure(.cut, reason: "the reply ended early")
                trouble = .network(url: url, reason, kept: part.origin == nil ? 0 : result.count)
                guard reason.isTransient else { throw trouble }
            }
            if resumption.offset > 0 { wasContinued = true }
            inVain = result.received > 0 ? 1 : inVain + 1
            guard inVain < patience else { throw trouble }
            await pause(inVain)
            if Task.isCancelled { throw .stopped(part: part.path, kept: part.origin == nil ? 0 : part.count) }
        }
    }

    private func isWhole(_ result: PartWriter.State) -> Bool { result.total.map { $0 == result.count } ?? true }

    /// The lock is on the file: it is emptied, not removed.
    private func truncate() {
        try? part.note(nil)
        _ = part.path.withCString { truncateFile($0, 0) }
    }

    private func hash() throws(DownloadFailure) -> String {
        do { return try FileDigest.sha256(part.path) } catch {
            throw .disk(path: part.path, reason: error.localizedDescription)
        }
    }

    private func place() throws(DownloadFailure) {
        let descriptor = open(part.path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0, rename(part.path, target) == 0 else {
            throw .disk(path: target, reason: String(cString: strerror(errno)))
        }
        try? part.note(nil)
    }
}

private func truncateFile(_ path: UnsafePointer<CChar>, _ length: off_t) -> Int32 { truncate(path, length) }
