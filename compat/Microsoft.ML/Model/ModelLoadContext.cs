// Stands in for Microsoft.ML.Core: where a component loads itself from. Not public there either; loaders outside reach it by reflection.
using System.Reflection;
using System.Text;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

internal sealed class ModelLoadContext : IDisposable
{
    public readonly RepositoryReader Repository;
    public readonly string Directory;
    public readonly BinaryReader Reader;
    public readonly string LoaderAssemblyName;

    private readonly ulong _signature;
    private readonly uint _versionWritten;
    private readonly uint _versionReadable;
    private readonly string _loaderSignature;

    private ModelLoadContext(RepositoryReader rep, string dir, Stream stream)
    {
        Repository = rep;
        Directory = dir;
        var body = new MemoryStream();
        using (stream) stream.CopyTo(body);
        body.Position = 0;
        Reader = new BinaryReader(body, Encoding.UTF8);
        if (!Reader.ReadBytes(ModelSaveContext.Magic.Length).AsSpan().SequenceEqual(ModelSaveContext.Magic))
            throw new FormatException($"'{ModelSaveContext.Path(dir, ModelSaveContext.ModelStreamName)}' is not a model of this library.");
        _signature = Reader.ReadUInt64();
        _versionWritten = Reader.ReadUInt32();
        _versionReadable = Reader.ReadUInt32();
        LoaderAssemblyName = Codec.ReadString(Reader);
        _loaderSignature = Codec.ReadString(Reader);
    }

    public bool InRepository => true;

    public void CheckAtModel(VersionInfo ver) => CheckVersionInfo(ver);

    public void CheckVersionInfo(VersionInfo ver)
    {
        if (_signature != ver.ModelSignature) throw new FormatException("Unknown file type");
        if (_versionReadable > ver.VerWrittenCur) throw new FormatException("Cause: This version is too old to read the model.");
        if (_versionWritten < ver.VerWeCanReadBack) throw new FormatException("Cause: The model is too old to be read by this version.");
    }

    public bool ContainsModel(string name)
    {
        using var stream = Repository.OpenOrNull(
            ModelSaveContext.Path(ModelSaveContext.Path(Directory, name), ModelSaveContext.ModelStreamName));
        return stream != null;
    }

    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name) =>
        LoadModel<TRes, TSig>(env, out result, Repository, ModelSaveContext.Path(Directory, name));

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string dir)
    {
        string path = ModelSaveContext.Path(dir, ModelSaveContext.ModelStreamName);
        var stream = rep.OpenOrNull(path) ?? throw new FormatException($"Repository doesn't contain entry {path}");
        using var ctx = new ModelLoadContext(rep, dir, stream);
        ctx.EnsureLoaderAssemblyIsRegistered(env.ComponentCatalog);
        if (!env.ComponentCatalog.TryCreateInstance(env, typeof(TSig), ctx._loaderSignature ?? "", ctx, out result))
            throw new FormatException(
                $"Couldn't find a loadable class of the signature '{ctx._loaderSignature}' for the model at '{dir}'.");
    }

    private void EnsureLoaderAssemblyIsRegistered(ComponentCatalog catalog)
    {
        if (string.IsNullOrEmpty(LoaderAssemblyName) || catalog.IsRegistered(LoaderAssemblyName)) return;
        // Any version of the assembly will do; what it can read is the loader's to say.
        var name = new AssemblyName(LoaderAssemblyName) { Version = null };
        catalog.RegisterAssembly(Assembly.Load(name));
    }

    public bool TryLoadBinaryStream(string name, Action<BinaryReader> action)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(action);
        using var stream = Repository.OpenOrNull(ModelSaveContext.Path(Directory, name));
        if (stream == null) return false;
        // Readers may seek and ask for the length, which a compressed stream cannot do.
        using var seekable = new MemoryStream();
        stream.CopyTo(seekable);
        seekable.Position = 0;
        using var reader = new BinaryReader(seekable, Encoding.UTF8);
        action(reader);
        return true;
    }

    public bool TryLoadTextStream(string name, Action<TextReader> action) =>
        TryLoadBinaryStream(name, reader => action(new StreamReader(reader.BaseStream)));

    internal InputOutputColumnPair[] LoadColumns()
    {
        var columns = new InputOutputColumnPair[Codec.CheckCount(Reader.ReadInt32(), 1 << 20, "columns")];
        for (int i = 0; i < columns.Length; i++)
        {
            string output = Reader.ReadString();
            columns[i] = new InputOutputColumnPair(output, Reader.ReadString());
        }
        return columns;
    }

    public void Dispose() => Reader.Dispose();
}
