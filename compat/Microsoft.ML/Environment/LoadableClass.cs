// Stands in for Microsoft.ML.Core: the attributes by which an assembly says which of its classes can be loaded from a model file.
using System.Reflection;

namespace Microsoft.ML;

/// <summary>The signature under which models are loaded: <c>Create(IHostEnvironment, ModelLoadContext)</c>.</summary>
internal delegate void SignatureLoadModel(ModelLoadContext ctx);

internal abstract class LoadableClassAttributeBase : Attribute
{
    protected LoadableClassAttributeBase(string summary, Type instType, Type loaderType, Type argType, Type[] sigTypes, string userName,
        params string[] loadNames)
    {
        ArgumentNullException.ThrowIfNull(instType);
        ArgumentNullException.ThrowIfNull(loaderType);
        if (sigTypes == null || sigTypes.Length == 0)
            throw new ArgumentException("At least one signature type is needed.", nameof(sigTypes));
        if (sigTypes.Any(sig => !typeof(Delegate).IsAssignableFrom(sig)))
            throw new ArgumentException("A signature type must be a delegate.", nameof(sigTypes));
        Summary = summary;
        InstanceType = instType;
        LoaderType = loaderType;
        ArgType = argType;
        SigTypes = sigTypes;
        UserName = userName;
        LoadNames = loadNames;
        CtorTypes = sigTypes[0].GetMethod("Invoke").GetParameters().Select(p => p.ParameterType).ToArray();
    }

    public string Summary { get; }

    public Type InstanceType { get; }

    public Type LoaderType { get; }

    public Type ArgType { get; }

    public Type[] SigTypes { get; }

    public Type[] CtorTypes { get; }

    public string UserName { get; }

    public string[] LoadNames { get; }

    public string DocName { get; set; }
}

[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(Type instType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(null, instType, instType, argType, new[] { sigType }, userName, loadNames) { }

    public LoadableClassAttribute(Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(null, instType, loaderType, argType, new[] { sigType }, userName, loadNames) { }
}
