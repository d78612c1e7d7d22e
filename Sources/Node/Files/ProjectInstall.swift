package import Cluster

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// The files that make a directory a project: models.ini where the stack is its own, AGENTS.md, opencode.json, and the
/// channel's marker.
package struct ProjectInstall: Equatable, Sendable {
    package struct Step: Equatable, Sendable {
        /// The file's name, for people.
        package var name: String
        package var file: GeneratedFile
    }

    /// What became of one file.
    package struct Report: Equatable, Sendable {
        package var name: String
        package var path: String
        package var outcome: GeneratedFile.Outcome
    }

    package let work: WorkDirectory
    package let channel: Channel
    package let catalog: Catalog
    /// In the order in which they are written: the marker, which makes it a project, comes last.
    package private(set) var steps: [Step]
    /// opencode.json as it would be without installing anything.
    package let preview: String

    /// Wires a project to the stack of its own host.
    ///
    /// Reads what is there and decides what to write. Nothing is written yet: an ini with a fault leaves no trace.
    ///
    /// - Parameters:
    ///   - channel: current or next.
    ///   - environment: the process's.
    ///   - shown: what the host's router shows of its cluster: opencode.json lists that; nil lists models.ini.
    ///   - shipped: directory of the shipped AGENTS.md, where there is one; a preview names that file.
    /// - Throws: ``ModelsINI/Unreadable``, or `CatalogError`.
    package init(
        work: WorkDirectory, channel: Channel, environment: [String: String], shown: Catalog? = nil,
        shipped: String? = Shipped.directory()
    ) throws {
        let present = try ModelsINI.text(work)
        let ini =
            present ?? ModelsINI.seed(withBedrock: BedrockAccess.isConfigured(environment: environment))
        let catalog = try Catalog.parse(ini, file: work.modelsINI) { environment[$0] }
        if catalog.sections.isEmpty, try ClusterFiles(environment: environment).cluster() == nil {
            throw ModelsINI.withoutTiers(work.modelsINI)
        }
        self.init(
            work: work, channel: channel, catalog: catalog, listed: shown ?? catalog,
            baseURL: OpencodeConfig.localBaseURL(catalog.defaults), environment: environment, shipped: shipped)
        if present == nil {
            steps.insert(Step(name: "models.ini", file: .init(path: work.modelsINI, text: ini, mode: 0o644)), at: 0)
        }
    }

    /// Wires a project to another host's router.
    ///
    /// - Parameters:
    ///   - url: the router's, without a slash at its end. Behind a gateway the project is wired to that one instead.
    ///   - catalog: what that router serves.
    ///   - pin: whose URL it is, when the router was found by name.
    package init(
        work: WorkDirectory, thinClientOf url: String, catalog: Catalog, environment: [String: String],
        pin: PinnedRouter? = nil, shipped: String? = Shipped.directory()
    ) {
        let isKeyed = pin?.cluster.security == .keys
        var access = isKeyed ? OpencodeConfig.Access.patient : .init()
        var url = url
        var bundle: GeneratedFile?
        if let pin, pin.isGateway {
            url = "\(PinnedRouter.gatewayBase)\(Endpoints(environment: environment).routerPort)"
        } else if let pin, isKeyed,
            let secrets = try? ClusterSecrets(
                configuration: ClusterFiles(environment: environment).configuration, cluster: pin.cluster.id)
        {
            access.apiKey = "{file:\(secrets.path(.clientKey))}"
            let text = AuthorityBundle.text(
                authority: ((try? secrets.text(.authority)) ?? nil) ?? "", users: environment[AuthorityBundle.variable],
                path: work.authoritiesPEM)
            bundle = GeneratedFile(path: work.authoritiesPEM, text: text, mode: 0o644)
        }
        self.init(
            work: work, channel: .external(url), catalog: catalog, listed: catalog, baseURL: "\(url)/v1",
            access: access,
            environment: environment, shipped: shipped)
        if let bundle { steps.insert(Step(name: "authorities.pem", file: bundle), at: steps.count - 1) }
        if let pin {
            let file = GeneratedFile(path: work.routerJSON, text: pin.json, mode: 0o644)
            steps.insert(Step(name: "router.json", file: file), at: steps.count - 1)
        }
    }

    private init(
        work: WorkDirectory, channel: Channel, catalog: Catalog, listed: Catalog, baseURL: String,
        access: OpencodeConfig.Access = .init(), environment: [String: String], shipped: String?
    ) {
        let settings = OpencodeSettings(environment: environment)
        func opencode(_ instructions: [String]) -> String {
            OpencodeConfig(
                catalog: listed, baseURL: baseURL, instructions: instructions, settings: settings, access: access
            ).json
        }
        self.work = work
        self.channel = channel
        self.catalog = catalog
        preview = opencode(settings.previewInstructions ?? [shipped.map { "\($0)/AGENTS.md" } ?? work.agentsMD])
        steps = [
            Step(name: "AGENTS.md", file: .init(path: work.agentsMD, text: Shipped.agentsMD, mode: 0o644)),
            Step(
                name: "opencode.json",
                file: .init(path: work.opencodeJSON, text: opencode([work.agentsMD]), mode: 0o644)),
            Step(name: "default-channel", file: .init(path: work.defaultChannel, text: channel.marker)),
        ]
    }

    /// Writes the files, in order, and removes a pin of a router that is none of this install's.
    ///
    /// - Returns: one report per file; a local project's models.ini comes first, `unchanged` when it had one.
    /// - Throws: ``AtomicFile/Failure``; the files after the one it names were not touched.
    package func perform() throws(AtomicFile.Failure) -> [Report] {
        var reports: [Report] = []
        let isLocal = if case .external = channel { false } else { true }
        if isLocal, !steps.contains(where: { $0.file.path == work.modelsINI }) {
            reports.append(Report(name: "models.ini", path: work.modelsINI, outcome: .unchanged))
        }
        for step in steps {
            reports.append(Report(name: step.name, path: step.file.path, outcome: try step.file.write()))
        }
        for path in [work.routerJSON, work.authoritiesPEM] where !steps.contains(where: { $0.file.path == path }) {
            unlink(path)
        }
        return reports
    }
}
