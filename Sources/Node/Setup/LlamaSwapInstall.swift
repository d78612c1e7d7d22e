import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Puts a llama-swap of the project's own site into the programs' directory: fetched, compared, unpacked, tried, and
/// only then given its name.
package struct LlamaSwapInstall: Sendable {
    private let work: WorkDirectory
    private let environment: [String: String]
    private let console: any Console

    /// - Parameter environment: `LLAMA_SWAP_VERSION` pins a release; see also ``LlamaSwapRelease/baseVariable``.
    package init(work: WorkDirectory, environment: [String: String], console: any Console) {
        self.work = work
        self.environment = environment
        self.console = console
    }

    package enum Outcome: Equatable, Sendable {
        case alreadyThere(version: String?)
        case installed(version: String)
    }

    private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    private var base: String {
        var base = value(LlamaSwapRelease.baseVariable) ?? LlamaSwapRelease.defaultBase
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }

    /// - Parameter force: fetch it even when it is there.
    /// - Throws: ``StackFailure`` or ``DownloadFailure``; then the program that was there is as it was.
    package func run(force: Bool) async throws -> Outcome {
        let pinned = value("LLAMA_SWAP_VERSION").map { LlamaSwapRelease(tag: $0, base: base) }
        if !force, LlamaSwapConfig.isProgram(work.llamaSwap) {
            let version = await version(of: work.llamaSwap)
            if pinned == nil || pinned?.number == version {
                console.say(
                    "llama-swap\(version.map { " \($0)" } ?? "") is at \(work.llamaSwap) already (--force fetches it anew)"
                )
                return .alreadyThere(version: version)
            }
        }
        guard let platform = LlamaSwapRelease.Platform.current else {
            throw StackFailure(
                "there are no llama-swap releases for this kind of machine",
                advice: "fix: build it from https://github.com/mostlygeek/llama-swap and put it at \(work.llamaSwap)")
        }
        let release: LlamaSwapRelease
        if let pinned { release = pinned } else { release = try await latest() }
        guard release.isWellFormed else {
            throw StackFailure(
                "LLAMA_SWAP_VERSION is no release's name", advice: "fix: set it to one like v211, or unset it")
        }
        if !release.isKnown {
            console.say(
                "note: llama-swap \(release.tag) was not tried with llmstack, which writes its configuration for "
                    + "v\(LlamaSwapRelease.known.lowerBound) to v\(LlamaSwapRelease.known.upperBound)")
        }
        console.say("fetching \(release.url(platform))")
        return .installed(version: try await install(release, platform))
    }

    private func latest() async throws -> LlamaSwapRelease {
        let page = LlamaSwapRelease.latestURL(base: base)
        console.say("asking for the latest release of llama-swap")
        let head: Curl.Head
        do {
            head = try await Curl.head(Curl.Request(page, timeout: .seconds(30), followsRedirects: false))
        } catch { throw DownloadFailure.network(url: page, error, kept: 0) }
        guard let tag = LlamaSwapRelease.tag(location: head.fields["location"]) else {
            throw StackFailure(
                "\(page) does not say which release is the latest (status \(head.status))",
                advice:
                    "fix: choose one: LLAMA_SWAP_VERSION=v\(LlamaSwapRelease.known.upperBound) llmstack install-llama-swap"
            )
        }
        let latest = LlamaSwapRelease(tag: tag, base: base)
        guard let number = Int(latest.number), number > LlamaSwapRelease.known.upperBound else { return latest }
        let newest = LlamaSwapRelease(tag: "v\(LlamaSwapRelease.known.upperBound)", base: base)
        console.say(
            "the latest is \(tag), but llmstack knows v\(LlamaSwapRelease.known.lowerBound) to \(newest.tag): "
                + "taking \(newest.tag) (LLAMA_SWAP_VERSION=\(tag) takes the other)")
        return newest
    }

    private func install(_ release: LlamaSwapRelease, _ platform: LlamaSwapRelease.Platform) async throws -> String {
        let name = release.archive(platform)
        let checksum = try await checksum(release, name)
        let archive = "\(work.binaries)/.\(name)"
        let display = ProgressDisplay(name, console: console)
        try await FileDownload(release.url(platform), to: archive, sha256: checksum).run { display.show($0, of: $1) }
        let stage = "\(work.binaries)/\(Self.stagePrefix)\(getpid())"
        let files = FileManager.default
        removeLeftStages()
        defer {
            try? files.removeItem(atPath: stage)
            try? files.removeItem(atPath: archive)
        }
        do { try files.createDirectory(atPath: stage, withIntermediateDirectories: false) } catch {
            throw DownloadFailure.disk(path: stage, reason: error.localizedDescription)
        }
        let program = try await unpack(archive, into: stage, from: release.url(platform))
        guard let version = await version(of: program) else {
            throw StackFailure(
                "the llama-swap in \(release.url(platform)) does not run on this machine",
                advice:
                    "fix: choose another release with LLAMA_SWAP_VERSION, such as v\(LlamaSwapRelease.known.upperBound)"
            )
        }
        guard rename(program, work.llamaSwap) == 0 else {
            throw DownloadFailure.disk(path: work.llamaSwap, reason: String(cString: strerror(errno)))
        }
        console.say("llama-swap \(version) is at \(work.llamaSwap)")
        return version
    }

    /// What the directory in which an archive is unpacked is called, before the process's pid.
    private static let stagePrefix = ".llama-swap."

    /// Those of this pid, and of processes that were killed at it.
    private func removeLeftStages() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: work.binaries)) ?? [] {
            guard name.hasPrefix(Self.stagePrefix), let owner = pid_t(name.dropFirst(Self.stagePrefix.count)),
                owner == getpid() || kill(owner, 0) != 0 && errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(atPath: "\(work.binaries)/\(name)")
        }
    }

    /// - Returns: nil when the release publishes none; that is said.
    private func checksum(_ release: LlamaSwapRelease, _ name: String) async throws -> String? {
        let url = release.checksumsURL
        let reply: (status: Int, body: [UInt8])
        do { reply = try await Curl.get(Curl.Request(url, timeout: .seconds(60)), limit: 1 << 20) } catch {
            throw DownloadFailure.network(url: url, error, kept: 0)
        }
        switch reply.status {
        case 200:
            let text = String(decoding: reply.body, as: UTF8.self)
            guard let checksum = LlamaSwapRelease.checksum(of: name, in: text) else {
                throw StackFailure(
                    "the checksums of \(release.tag) do not list \(name)",
                    advice: "fix: choose another release with LLAMA_SWAP_VERSION")
            }
            return checksum
        case 404:
            console.say("note: \(release.tag) has no checksum file to compare with")
            return nil
        default:
            throw DownloadFailure.status(url: url, reply.status)
        }
    }

    /// Takes the program out of the archive, and nothing else.
    ///
    /// - Returns: its path in `stage`.
    private func unpack(_ archive: String, into stage: String, from url: String) async throws(StackFailure) -> String {
        guard let tar = ProgramSearch(environment: environment).first("tar") else {
            throw StackFailure("there is no tar on this machine", advice: "fix: install tar")
        }
        let program = "\(stage)/llama-swap"
        let result = await ShortCommand(
            tar, ["-xzf", archive, "-C", stage, "llama-swap"], environment: environment
        ).run(limit: .seconds(120))
        var facts = stat()
        // Not a link to somewhere else, neither soft nor hard.
        guard result?.exit == .exited(0), lstat(program, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG,
            facts.st_nlink == 1, facts.st_size > 0
        else {
            throw StackFailure(
                "there is no llama-swap program in \(url)",
                evidence: (result?.output ?? "").split(whereSeparator: \.isNewline).prefix(3).map(String.init),
                advice: "next: run it again; if it stays so, choose another release with LLAMA_SWAP_VERSION")
        }
        guard chmod(program, 0o755) == 0 else {
            throw StackFailure(
                "cannot make \(program) a program: \(String(cString: strerror(errno)))",
                advice: "fix: check the directory's permissions")
        }
        return program
    }

    private func version(of program: String) async -> String? {
        let result = await ShortCommand(program, ["--version"], environment: environment).run(limit: .seconds(10))
        guard let result, result.exit == .exited(0) else { return nil }
        return LlamaSwapRelease.number(versionOutput: result.output)
    }
}
