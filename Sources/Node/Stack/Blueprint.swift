package import Cluster

/// What the local stack is to run, made from a project's models.ini. The seam between the processes and the files that
/// are generated for them.
package struct Blueprint: Sendable {
    /// Reads and checks models.ini; its errors describe themselves and their mend.
    package var catalog: @Sendable (WorkDirectory) throws -> Catalog
    /// llama-swap.yaml for the tiers of a channel.
    package var llamaSwapYAML: @Sendable (_ catalog: Catalog, _ next: Bool) -> String

    package init(
        catalog: @escaping @Sendable (WorkDirectory) throws -> Catalog,
        llamaSwapYAML: @escaping @Sendable (_ catalog: Catalog, _ next: Bool) -> String
    ) {
        self.catalog = catalog
        self.llamaSwapYAML = llamaSwapYAML
    }

    /// The project's own files, as an environment has them.
    package init(environment: [String: String]) {
        self.init(
            catalog: { try ModelsINI.load($0, environment: environment) },
            llamaSwapYAML: { catalog, next in
                let llamaServer = LlamaSwapConfig.locateLlamaServer(catalog: catalog, environment: environment)
                // A damaged cluster.json is the router's to complain of.
                let isInCluster = ((try? ClusterFiles(environment: environment).cluster()) ?? nil) != nil
                return LlamaSwapConfig(
                    catalog: catalog, next: next, llamaServer: llamaServer, tellsOfLoads: !isInCluster
                ).yaml
            })
    }
}
