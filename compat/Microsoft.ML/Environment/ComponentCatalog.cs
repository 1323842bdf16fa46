// Stands in for Microsoft.ML.Core: the classes that can be loaded from model files and the factories of custom mappings.
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.Runtime
{
    public sealed class ComponentCatalog
    {
        private readonly object _lock = new();
        private readonly HashSet<string> _assemblies = new();
        private readonly Dictionary<(string LoadName, Type Signature), LoadableClassAttributeBase> _classes = new();
        private readonly Dictionary<(Type Attribute, string Contract), Type> _extensions = new();

        internal ComponentCatalog() { }

        public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
        {
            ArgumentNullException.ThrowIfNull(assembly);
            lock (_lock)
            {
                if (!_assemblies.Add(assembly.FullName)) return;
                foreach (LoadableClassAttributeBase loadable in Attribute.GetCustomAttributes(assembly, typeof(LoadableClassAttributeBase)))
                    foreach (string name in loadable.LoadNames.Append(loadable.UserName).Where(n => !string.IsNullOrEmpty(n)))
                        foreach (var signature in loadable.SigTypes)
                            _classes.TryAdd((name.ToLowerInvariant(), signature), loadable);

                foreach (var type in assembly.GetTypes().Where(t => t.IsClass && !t.IsAbstract))
                    foreach (var attribute in type.GetCustomAttributes<ExtensionBaseAttribute>(inherit: false))
                    {
                        if (!_extensions.TryAdd((attribute.GetType(), attribute.ContractName), type) && throwOnError)
                            throw new InvalidOperationException(
                                $"Component class {type} has the same contract name '{attribute.ContractName}' as another class.");
                    }
            }
        }

        internal bool IsRegistered(string assemblyFullName)
        {
            lock (_lock) return _assemblies.Contains(assemblyFullName);
        }

        /// <summary>Calls the static method Create(environment, argument) of the class registered under the name.</summary>
        internal bool TryCreateInstance<TResult>(IHostEnvironment env, Type signature, string loadName, object argument, out TResult result)
        {
            LoadableClassAttributeBase loadable;
            lock (_lock)
            {
                if (!_classes.TryGetValue((loadName.ToLowerInvariant(), signature), out loadable))
                {
                    result = default;
                    return false;
                }
            }
            var create = loadable.LoaderType.GetMethod("Create",
                BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.FlattenHierarchy,
                null, new[] { typeof(IHostEnvironment), argument.GetType() }, null);
            if (create == null || !loadable.InstanceType.IsAssignableFrom(create.ReturnType))
                throw new InvalidOperationException(
                    $"Class '{loadable.LoaderType.FullName}' has no method "
                    + $"Create(IHostEnvironment, {argument.GetType().Name}) for '{loadName}'.");
            try
            {
                result = (TResult)create.Invoke(null, new[] { env, argument });
                return true;
            }
            catch (TargetInvocationException e)
            {
                ExceptionDispatchInfo.Throw(e.InnerException);
                throw;
            }
        }

        internal object CreateExtension(IHostEnvironment env, Type attributeType, string contractName)
        {
            lock (_lock)
            {
                if (_extensions.TryGetValue((attributeType, contractName), out var type)) return Activator.CreateInstance(type);
            }
            throw new InvalidOperationException(
                $"Unable to locate a {attributeType.Name} with contract name '{contractName}'. "
                + "Ensure you register its assembly with ComponentCatalog.RegisterAssembly.");
        }
    }
}

namespace Microsoft.ML
{
    /// <summary>Marks a class that RegisterAssembly makes known under a contract name.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public abstract class ExtensionBaseAttribute : Attribute
    {
        private protected ExtensionBaseAttribute(string contractName) => ContractName = contractName;

        public string ContractName { get; }
    }
}
