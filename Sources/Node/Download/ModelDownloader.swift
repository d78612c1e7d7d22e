package import Cluster
import Foundation

/// Fetches weights in the background, with llama.cpp's own downloader, and looks how far they are.
package struct ModelDownloader: Sendable {
    /// In the order of preference: newer llama-cli is for chats only, and may go on and on after the download
    /// (https://github.com/ggml-org/llama.cpp/issues/14802).
    package static let programs = ["llama-completion", "llama-cli"]

    private let work: WorkDirectory
    private let environment: [String: String]
    private let table: any ProcessTable
    private let console: any Console
    private let cache: WeightsCache

    package init(
        work: WorkDirectory, environment: [String: String], table: any ProcessTable, console: any Console
    ) {
        self.work = work
        self.environment = environment
        self.table = table
        self.console = console
        cache = WeightsCache(environment: environment)
    }

    /// A download under way.
    package struct Running: Sendable {
        package var download: ModelDownload
        package var process: ProcessFacts
        /// Started by this process, which then learns how it ended.
        package var isOurs: Bool
        package var log: String
        var tail: LogTail
    }

    /// Starts what is neither there nor under way.
    ///
    /// - Returns: those that run now, those that ran before included.
    /// - Throws: ``StackFailure``; those that were started before it go on.
    package func start(_ catalog: Catalog) throws(StackFailure) -> [Running] {
        for tier in catalog.hostedTiers { console.say("\(column(tier.name, 17))hosted   nothing to download") }
        let downloads = ModelDownload.all(catalog)
        guard !downloads.isEmpty else {
            console.say("models.ini has no local tiers: there is nothing to download")
            return []
        }
        console.say("weights that \(work.modelsINI) asks for:")
        let processes = table.processes()
        var running: [Running] = []
        var program: String?
        for download in downloads {
            let title = "\(column(download.tier, 17))\(column(download.label.rawValue, 9))\(download.weights.file)"
            let log = "\(work.logs)/\(download.logName)"
            if let process = processes.first(where: download.isDone) {
                console.say("\(title): is being fetched already (pid \(process.pid))")
                running.append(
                    Running(download: download, process: process, isOurs: false, log: log, tail: LogTail(log)))
                continue
            }
            if let found = cache.find(download.weights) {
                console.say("\(title): is on this machine (\(ByteCount.text(found.bytes)))")
                continue
            }
            if program == nil { program = try locate(catalog) }
            guard let program else { continue }
            let tail = LogTail(log)
            let process = try spawn(download, program, log: log)
            console.say("\(title): fetching (pid \(process.pid))")
            running.append(Running(download: download, process: process, isOurs: true, log: log, tail: tail))
        }
        return running
    }

    /// What to do when nobody waits.
    package func explain(_ running: [Running]) {
        guard !running.isEmpty else { return }
        console.say("they go on by themselves; logs: \(work.logs)/dl-*.log")
        console.say("next: llmstack download --wait watches them")
    }

    /// Waits until all have ended, telling how far they are.
    ///
    /// - Throws: ``StackFailure`` that names those which failed; `CancellationError` when the task is cancelled: they
    ///   go on then.
    package func wait(for running: [Running]) async throws {
        let watch = DownloadWatch(
            cache: cache, table: table, console: console, hub: HubClient(environment: environment))
        try await watch.run(running)
    }

    private func locate(_ catalog: Catalog) throws(StackFailure) -> String {
        let server = LlamaSwapConfig.locateLlamaServer(catalog: catalog, environment: environment)
        let beside = server.hasPrefix("/") ? [(server as NSString).deletingLastPathComponent] : []
        let search = ProgramSearch(environment: environment, first: beside)
        for name in Self.programs {
            guard let path = search.first(name) else { continue }
            if name == "llama-cli" {
                console.say(
                    "note: no llama-completion here; a newer llama-cli may stay after its download: end it then")
            }
            return path
        }
        throw StackFailure(
            "there is neither llama-completion nor llama-cli here to download with",
            advice: "fix: install llama.cpp (https://github.com/ggml-org/llama.cpp), or put its programs on PATH")
    }

    private func spawn(_ download: ModelDownload, _ program: String, log: String) throws(StackFailure) -> ProcessFacts {
        var environment = environment
        // It belongs to no daemon, even when one's shell started it.
        environment[DaemonIdentity.markVariable] = nil
        do {
            let pid = try Daemon(
                executable: program, arguments: download.arguments, environment: environment, log: log
            ).spawn()
            return table.process(pid)
                ?? ProcessFacts(pid: pid, parent: 0, isZombie: false, startTime: 0, arguments: [program])
        } catch {
            throw StackFailure(
                "\(error.executable) cannot be started: \(error.reason)",
                advice: "fix: check that it is a program for this machine")
        }
    }

    private func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
