package import Cluster

extension MemoryMath {
    /// On this machine; measured where the weights' files are here.
    package static func ofThisHost(_ catalog: Catalog, environment: [String: String]) async -> MemoryMath {
        let cache = WeightsCache(environment: environment)
        let limit = await MemoryLimit.ofThisHost(environment: environment)
        return MemoryMath(catalog: catalog, limit: limit) { cache.find($0).flatMap { GGUFHeader.read($0.path) } }
    }
}
