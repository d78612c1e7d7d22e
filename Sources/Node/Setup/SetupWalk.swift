import Cluster
import Foundation

/// `llmstack setup`: everything between a fresh machine and `llmstack install`, step by step. A step that is done says
/// so and does nothing; one that fails does not keep the others from being done.
package struct SetupWalk: Sendable {
    package struct Options: Sendable {
        package var skipsDownload: Bool
        package var skipsWait: Bool

        package init(skipsDownload: Bool, skipsWait: Bool) {
            self.skipsDownload = skipsDownload
            self.skipsWait = skipsWait
        }
    }

    /// The prompt hook of a shell, which is another verb's.
    package struct Hook: Sendable {
        /// Writes it for a shell.
        ///
        /// - Returns: its path; nil where that shell has none.
        package var write: @Sendable (_ shell: String) throws -> String?

        package init(write: @escaping @Sendable (_ shell: String) throws -> String?) { self.write = write }
    }

    private let work: WorkDirectory
    private let environment: [String: String]
    private let table: any ProcessTable
    private let console: any Console
    private let hook: Hook?

    /// - Parameter hook: nil leaves the hook to the user.
    package init(
        work: WorkDirectory, environment: [String: String], table: any ProcessTable, console: any Console, hook: Hook?
    ) {
        self.work = work
        self.environment = environment
        self.table = table
        self.console = console
        self.hook = hook
    }

    /// - Returns: whether all steps went well; what did not was said.
    /// - Throws: what is wrong with models.ini; `CancellationError`.
    package func run(_ options: Options) async throws -> Bool {
        let catalog = try readModels()
        var isWell = true
        func attempt(_ title: String, _ body: () async throws -> Void) async throws {
            console.say("\n\(title)")
            do { try await body() } catch let error as CancellationError { throw error } catch {
                if Task.isCancelled { throw CancellationError() }
                console.warn("llmstack: \(error)")
                isWell = false
            }
        }
        try await attempt("1. weights") { try await models(catalog, options) }
        try await attempt("2. llama-swap") {
            _ = try await LlamaSwapInstall(work: work, environment: environment, console: console).run(force: false)
        }
        try await attempt("3. prompt hook") { try writeHook() }
        try await attempt("4. opencode") { findOpencode() }
        try await attempt("5. memory") { await addUp(catalog) }
        let isInstalled = FileManager.default.fileExists(atPath: work.opencodeJSON)
        let next = isInstalled ? "llmstack start" : "llmstack install"
        console.say("\nnext: " + (isWell ? next : "mend what is said above, then run llmstack setup again"))
        return isWell
    }

    private func readModels() throws -> Catalog {
        if try ModelsINI.text(work) == nil {
            let seed = ModelsINI.seed(withBedrock: BedrockAccess.isConfigured(environment: environment))
            _ = try GeneratedFile(path: work.modelsINI, text: seed, mode: 0o644).write()
            console.say("models.ini: the shipped one, now at \(work.modelsINI)")
        }
        return try ModelsINI.load(work, environment: environment)
    }

    private func models(_ catalog: Catalog, _ options: Options) async throws {
        guard !options.skipsDownload else { return console.say("skipped") }
        let downloader = ModelDownloader(work: work, environment: environment, table: table, console: console)
        let running = try downloader.start(catalog)
        if options.skipsWait { downloader.explain(running) } else { try await downloader.wait(for: running) }
    }

    private func writeHook() throws {
        let shell = (environment["SHELL"].map { ($0 as NSString).lastPathComponent }) ?? ""
        let command = "eval \"$(llmstack activate \(shell))\""
        guard let hook, ["bash", "zsh"].contains(shell) else {
            let known = ["bash", "zsh"].contains(shell)
            return console.say(
                known
                    ? "for a prompt that follows you into projects: \(command)"
                    : "there is one for bash, zsh and powershell; \(shell.isEmpty ? "this shell" : shell) has none")
        }
        if let path = try hook.write(shell) {
            console.say("written to \(path); to switch it on, put this into ~/.\(shell)rc:")
            console.say("  \(command)")
        }
    }

    private func findOpencode() {
        if let path = ProgramSearch(environment: environment).first("opencode") {
            console.say("opencode is at \(path)")
        } else {
            console.say("opencode is not on this machine; any other client of OpenAI's API does too")
            console.say("  next: https://opencode.ai says how to get it")
        }
    }

    private func addUp(_ catalog: Catalog) async {
        let lines = await MemoryMath.ofThisHost(catalog, environment: environment).lines
        for line in lines.isEmpty ? ["no local tiers that stay in memory together"] : lines { console.say(line) }
    }
}
