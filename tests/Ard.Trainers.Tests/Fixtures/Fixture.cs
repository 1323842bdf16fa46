using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests.Fixtures;

/// <summary>Recorded tensors by name: of a fixture beside this file, or of a shared trace.</summary>
internal sealed class Fixture
{
    private readonly Dictionary<string, Tensor> tensors;

    private Fixture(string path)
    {
        // Kept by the fixture, not by the dispose scope that happens to be open.
        tensors = Safetensors.Read(path);
        foreach (var tensor in tensors.Values) tensor.DetachFromDisposeScope();
    }

    public static Fixture Beside(string name, [CallerFilePath] string caller = "")
    {
        var folder = Path.GetDirectoryName(caller)!;
        return new(Path.Combine(folder, "..", "Fixtures", name));
    }

    public static Fixture Trace(string name) => new(Shared.Path($"reference/traces/{name}.safetensors"));

    public IReadOnlyDictionary<string, Tensor> All => tensors;

    public Tensor this[string name] => tensors[name];

    public bool Has(string name) => tensors.ContainsKey(name);

    public Tensor Double(string name) => tensors[name].to(ScalarType.Float64);

    /// <summary>The tensors whose names begin with the prefix, under the rest of their names.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Under(string prefix) => tensors
        .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
        .Select(pair => (pair.Key[prefix.Length..], pair.Value));
}
