using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Runtime.Serialization;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Ard.MLNet.Saving;

/// <summary>
/// One named stream of bytes in a model file of ML.NET, written and read back by a class of ours. ML.NET keeps what that needs to itself;
/// all of its non-public members that this library uses are in this file.
/// </summary>
internal static class ModelStream
{
    private const string StreamName = "Ard";
    private const string FormatSignature = "ARD MLNT";   // 8 characters
    private const uint FormatVersion = 0x00010001;

    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Assembly Core = typeof(IHostEnvironment).Assembly;

    /// <summary>
    /// Makes a class loadable from model files: it has a method <c>static T Create(IHostEnvironment env, object context)</c>.
    /// </summary>
    /// <param name="catalog">Where it becomes known.</param>
    /// <param name="type">The class.</param>
    /// <param name="loaderName">Its name in model files; at most 24 characters.</param>
    public static void Register(ComponentCatalog catalog, Type type, string loaderName)
    {
        var attributeType = Type("Microsoft.ML.LoadableClassAttribute");
        var constructor = Found(attributeType.GetConstructor(
            Any, [typeof(Type), typeof(Type), typeof(Type), typeof(Type), typeof(string), typeof(string[])]),
            "the constructor of LoadableClassAttribute");
        var attribute = constructor.Invoke([type, type, null, Type("Microsoft.ML.SignatureLoadModel"), loaderName, new[] { loaderName }]);
        catalog.RegisterAssembly(new LoaderAssembly((Attribute)attribute, type));
    }

    /// <summary>Writes the model: the loader's name and one stream.</summary>
    public static void Write(ModelSaveContext context, string loaderName, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(context);
        var versionType = Type("Microsoft.ML.VersionInfo");
        var constructor = Found(versionType.GetConstructor(
            Any, [typeof(string), typeof(uint), typeof(uint), typeof(uint), typeof(string), typeof(string), typeof(string)]),
            "the constructor of VersionInfo");
        var version = constructor.Invoke(
            [FormatSignature, FormatVersion, FormatVersion, FormatVersion, typeof(ModelStream).Assembly.FullName, loaderName, null]);
        Call(context, "SetVersionInfo", version);
        Call(context, "SaveBinaryStream", StreamName, (Action<BinaryWriter>)(writer => write(writer.BaseStream)));
    }

    /// <summary>Reads the stream of a model.</summary>
    /// <param name="context">What ML.NET hands to <c>Create</c>.</param>
    /// <param name="read">Reads the stream, which cannot seek.</param>
    /// <exception cref="FormatException">The model has no such stream.</exception>
    public static void Read(object context, Action<Stream> read)
    {
        if (!(bool)Call(context, "TryLoadBinaryStream", StreamName, (Action<BinaryReader>)(reader => read(reader.BaseStream)))!)
            throw new FormatException($"The model has no stream '{StreamName}': it is damaged.");
    }

    private static object? Call(object target, string method, params object?[] arguments)
    {
        try
        {
            return Found(target.GetType().GetMethod(method, Any), $"{target.GetType().Name}.{method}").Invoke(target, arguments);
        }
        catch (TargetInvocationException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
            throw;
        }
    }

    private static Type Type(string name) => Found(Core.GetType(name), name);

    private static T Found<T>(T? member, string name) where T : class => member ?? throw new NotSupportedException(
        $"ML.NET {Core.GetName().Version} ({Core.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}) "
        + $"has no {name}: "
        + "models with classes of this library can be saved and loaded with ML.NET 5.0.");

    /// <summary>An assembly that consists of nothing but the attribute, which ours cannot carry because its type is not public.</summary>
    private sealed class LoaderAssembly(Attribute attribute, Type type) : Assembly
    {
        // ML.NET takes an assembly of a name that it has seen for the same one, so that registering twice is harmless.
        public override string FullName => $"Loader of {type.FullName}";

        public override object[] GetCustomAttributes(bool inherit) => [attribute];

        public override object[] GetCustomAttributes(Type attributeType, bool inherit)
        {
            var isAsked = attributeType.IsInstanceOfType(attribute);
            // Attribute.GetCustomAttributes casts the array to its exact type.
            var found = Array.CreateInstance(attributeType, isAsked ? 1 : 0);
            if (isAsked) found.SetValue(attribute, 0);
            return (object[])found;
        }

        public override bool IsDefined(Type attributeType, bool inherit) => attributeType.IsInstanceOfType(attribute);

        public override Type[] GetTypes() => [];

        public override Type[] GetExportedTypes() => [];

        public override AssemblyName GetName() => new(FullName);

        public override AssemblyName GetName(bool copiedName) => GetName();

        public override bool IsDynamic => false;

        public override string Location => typeof(ModelStream).Assembly.Location;

        [Obsolete("Obsolete in the base class as well.")]
        public override void GetObjectData(SerializationInfo info, StreamingContext context) => throw new NotSupportedException();
    }
}
