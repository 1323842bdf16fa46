using System.Reflection;
using System.Runtime.Serialization;
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

    private static ConstructorInfo LoadableClass => Constructor(
        "LoadableClassAttribute", typeof(Type), typeof(Type), typeof(Type), typeof(Type), typeof(string), typeof(string[]));

    private static Type LoadModel => Type("SignatureLoadModel");

    private static ConstructorInfo VersionInfo => Constructor(
        "VersionInfo", typeof(string), typeof(uint), typeof(uint), typeof(uint), typeof(string), typeof(string), typeof(string));

    private static MethodInfo SetVersionInfo => Method("ModelSaveContext", nameof(SetVersionInfo));

    private static MethodInfo SaveBinaryStream => Method("ModelSaveContext", nameof(SaveBinaryStream));

    private static MethodInfo TryLoadBinaryStream => Method("ModelLoadContext", nameof(TryLoadBinaryStream));

    internal static IEnumerable<MemberInfo> Members() =>
        [LoadableClass, LoadModel, VersionInfo, SetVersionInfo, SaveBinaryStream, TryLoadBinaryStream];

    /// <summary>
    /// Makes a class loadable from model files by a name of at most 24 characters: it has a method
    /// <c>static T Create(IHostEnvironment env, object context)</c>.
    /// </summary>
    public static void Register(ComponentCatalog catalog, Type type, string loaderName)
    {
        var attribute = LoadableClass.Invoke([type, type, null, LoadModel, loaderName, new[] { loaderName }]);
        catalog.RegisterAssembly(new LoaderAssembly((Attribute)attribute, type));
    }

    /// <summary>Writes the model: the loader's name and one stream.</summary>
    public static void Write(ModelSaveContext context, string loaderName, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(context);
        var version = VersionInfo.Invoke(
            [FormatSignature, FormatVersion, FormatVersion, FormatVersion, typeof(ModelStream).Assembly.FullName, loaderName, null]);
        Call(SetVersionInfo, context, version);
        Call(SaveBinaryStream, context, StreamName, (Action<BinaryWriter>)(writer => write(writer.BaseStream)));
    }

    /// <summary>Reads the stream of a model, which cannot seek, by what ML.NET hands to <c>Create</c>.</summary>
    /// <exception cref="FormatException">The model has no such stream.</exception>
    public static T Read<T>(object context, Func<Stream, T> read)
    {
        T model = default!;
        var found = Call(TryLoadBinaryStream, context, StreamName, (Action<BinaryReader>)(reader => model = read(reader.BaseStream)));
        return found is true ? model : throw new FormatException($"The model has no stream '{StreamName}': it is damaged.");
    }

    // An exception of ours comes out as itself.
    private static object? Call(MethodInfo method, object target, params object?[] arguments) =>
        method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private static ConstructorInfo Constructor(string type, params Type[] parameters) =>
        Found(Type(type).GetConstructor(Any, parameters), $"the constructor of {type}");

    private static MethodInfo Method(string type, string name) => Found(Type(type).GetMethod(name, Any), $"{type}.{name}");

    private static Type Type(string name) => Found(Core.GetType($"Microsoft.ML.{name}"), name);

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
