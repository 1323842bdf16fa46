// Stands in for Microsoft.ML.Core: where a component saves itself. Outsiders may only dispose of it; the library itself uses the rest,
// under the names that the real one has, so that what reaches for them by reflection finds them.
using System.Text;
using Microsoft.ML.Internal;

namespace Microsoft.ML;

public sealed class ModelSaveContext : IDisposable
{
    internal const string ModelStreamName = "Model.key";
    internal static readonly byte[] Magic = "ML MODEL"u8.ToArray();

    internal readonly RepositoryWriter Repository;
    internal readonly string Directory;
    internal readonly BinaryWriter Writer;

    private readonly MemoryStream _body = new();
    private VersionInfo? _version;
    private bool _done;

    internal ModelSaveContext(RepositoryWriter rep, string dir, string name)
    {
        Repository = rep;
        Directory = Path(dir, name);
        Writer = new BinaryWriter(_body, Encoding.UTF8);
    }

    internal static string Path(string directory, string name) =>
        string.IsNullOrEmpty(directory) ? name : string.IsNullOrEmpty(name) ? directory : $"{directory}/{name}";

    internal bool InRepository => true;

    internal void CheckAtModel()
    {
        if (_body.Length > 0) throw new InvalidOperationException("Values were written to the model before its version.");
    }

    internal void SetVersionInfo(VersionInfo ver)
    {
        CheckAtModel();
        _version = ver;
    }

    internal void SaveBinaryStream(string name, Action<BinaryWriter> action)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(action);
        Repository.Write(Path(Directory, name), stream =>
        {
            using var writer = new BinaryWriter(stream, Encoding.UTF8);
            action(writer);
        });
    }

    internal void SaveTextStream(string name, Action<TextWriter> action)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(action);
        Repository.Write(Path(Directory, name), stream =>
        {
            using var writer = new StreamWriter(stream);
            action(writer);
        });
    }

    internal void SaveModel<T>(T value, string name) where T : class
    {
        if (value is not ICanSaveModel saveable)
            throw new InvalidOperationException($"An object of type {value?.GetType().FullName} cannot be saved.");
        using var ctx = new ModelSaveContext(Repository, Directory, name);
        saveable.Save(ctx);
        ctx.Done();
    }

    internal void SaveColumns(InputOutputColumnPair[] columns)
    {
        Writer.Write(columns.Length);
        foreach (var pair in columns)
        {
            Writer.Write(pair.OutputColumnName);
            Writer.Write(pair.InputColumnName);
        }
    }

    /// <summary>Writes the component's Model.key; a component that set no version saved nothing that could be loaded.</summary>
    internal void Done()
    {
        if (_done) return;
        if (_version is not { } version) throw new InvalidOperationException($"The component saved at '{Directory}' set no version.");
        _done = true;
        Repository.Write(Path(Directory, ModelStreamName), stream =>
        {
            using var writer = new BinaryWriter(stream, Encoding.UTF8);
            writer.Write(Magic);
            writer.Write(version.ModelSignature);
            writer.Write(version.VerWrittenCur);
            writer.Write(version.VerReadableCur);
            Codec.WriteString(writer, version.LoaderAssemblyName);
            Codec.WriteString(writer, version.LoaderSignature);
            Writer.Flush();
            _body.WriteTo(stream);
        });
    }

    public void Dispose() => Writer.Dispose();
}
