// What a module holds and how it is listed, registered, moved and disposed. state_dict and files are in Module.State.cs.
using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module : IDisposable
        {
            private readonly List<(string Name, Module Value)> submodules = [];
            private readonly List<(string Name, Parameter Value)> ownParameters = [];
            private readonly List<(string Name, Tensor Value, bool Persistent)> ownBuffers = [];
            private bool componentsRegistered;

            protected string name;

            protected Module(string name) => this.name = name;

            public virtual string GetName() => name;

            // ---- registration

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null) throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (ownParameters.Exists(own => own.Name == name))
                    throw new InvalidOperationException($"Parameter {name} is already registered.");
                ownParameters.Add((name, param));
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null) throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (ownBuffers.Exists(own => own.Name == name))
                    throw new InvalidOperationException($"Tensor {name} is already registered.");
                ownBuffers.Add((name, tensor, persistent));
            }

            public virtual void register_module(string name, Module submodule)
            {
                if (string.IsNullOrEmpty(name)) throw new ArgumentException("module name can't be empty string \"\"");
                if (name.Contains('.')) throw new ArgumentException($"module name can't contain \".\", got: {name}");
                if (submodules.Exists(own => own.Name == name))
                    throw new InvalidOperationException($"Sub-module {name} is already registered.");
                if (submodule is null) return;
                submodule.RegisterComponents();
                submodules.Add((name, submodule));
            }

            public void add_module(string name, Module module) => register_module(name, module);

            /// <summary>A child without the checks; Sequential allows a name twice.</summary>
            private protected void AddChild(string name, Module module) => submodules.Add((name, module));

            /// <summary>
            /// Registers the fields that hold modules, parameters and tensors, once. What has its name already stays as it is, and so does
            /// a tensor that is registered under another name, as a layer's weight, which is a property over a field.
            /// </summary>
            protected virtual void RegisterComponents()
            {
                if (componentsRegistered) return;
                componentsRegistered = true;
                foreach (FieldInfo field in Fields())
                {
                    // The layers here have registered theirs through their properties, under the properties' names.
                    if (field.DeclaringType.Assembly == typeof(Module).Assembly) continue;
                    string component = field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
                    switch (field.GetValue(this))
                    {
                        case Module module when !submodules.Exists(own => own.Name == component):
                            register_module(component, module);
                            break;
                        case Modules.Parameter parameter:
                            if (!ownParameters.Exists(own => own.Name == component || ReferenceEquals(own.Value, parameter)))
                                register_parameter(component, parameter);
                            break;
                        case Tensor tensor:
                            if (!ownBuffers.Exists(own => own.Name == component || ReferenceEquals(own.Value, tensor)))
                                register_buffer(component, tensor);
                            break;
                    }
                }
            }

            // The object's own fields, those of the most derived class first, down to (without) Module.
            private IEnumerable<FieldInfo> Fields()
            {
                const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
                for (Type type = GetType(); type != typeof(Module); type = type.BaseType)
                    foreach (FieldInfo field in type.GetFields(Own)) yield return field;
            }

            /// <summary>What the property of a layer does with a new parameter: the old one is disposed, its place taken.</summary>
            private protected void Replace(string name, ref Parameter field, Parameter value)
            {
                if (ReferenceEquals(field, value)) return;
                field?.Dispose();
                field = value;
                value?.DetachFromDisposeScope();
                int at = ownParameters.FindIndex(own => own.Name == name);
                if (value is null) ownParameters.RemoveAll(own => own.Name == name);
                else if (at < 0) ownParameters.Add((name, value));
                else ownParameters[at] = (name, value);
            }

            private protected void Replace(string name, ref Tensor field, Tensor value)
            {
                if (ReferenceEquals(field, value)) return;
                field?.Dispose();
                field = value;
                value?.DetachFromDisposeScope();
                int at = ownBuffers.FindIndex(own => own.Name == name);
                if (value is null) ownBuffers.RemoveAll(own => own.Name == name);
                else if (at < 0) ownBuffers.Add((name, value, true));
                else ownBuffers[at] = (name, value, ownBuffers[at].Persistent);
            }

            // ---- listing

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
                foreach (var (name, parameter) in ownParameters)
                    if (seen.Add(parameter)) yield return (name, parameter);
                if (!recurse) yield break;
                foreach (var (child, module) in named_children())
                    foreach (var (name, parameter) in module.named_parameters())
                        if (seen.Add(parameter)) yield return ($"{child}.{name}", parameter);
            }

            // As in TorchSharp 0.107, buffers that are not persistent are never listed, whatever the last argument says.
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
                foreach (var (name, buffer, persistent) in ownBuffers)
                    if (persistent && seen.Add(buffer)) yield return (name, buffer);
                if (!recurse) yield break;
                foreach (var (child, module) in named_children())
                    foreach (var (name, buffer) in module.named_buffers())
                        if (seen.Add(buffer)) yield return ($"{child}.{name}", buffer);
            }

            public virtual IEnumerable<(string name, Module module)> named_children() => submodules;

            /// <summary>The children, then the descendants of each; not the module itself.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var child in named_children()) yield return child;
                foreach (var (child, module) in named_children())
                    foreach (var (name, descendant) in module.named_modules()) yield return ($"{child}.{name}", descendant);
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) =>
                named_parameters(recurse).Select(pair => pair.parameter);

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(pair => pair.buffer);

            public virtual IEnumerable<Module> children() => named_children().Select(pair => pair.module);

            public virtual IEnumerable<Module> modules() => named_modules().Select(pair => pair.module);

            public virtual Parameter get_parameter(string target)
            {
                foreach (var (name, parameter) in ownParameters)
                    if (name == target) return parameter;
                return Child(target, out string rest)?.get_parameter(rest);
            }

            public virtual Tensor get_buffer(string target)
            {
                foreach (var (name, buffer, _) in ownBuffers)
                    if (name == target) return buffer;
                return Child(target, out string rest)?.get_buffer(rest);
            }

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            private Module Child(string target, out string rest)
            {
                int dot = target.IndexOf('.');
                rest = target[(dot + 1)..];
                if (dot < 0) return null;
                foreach (var (name, module) in named_children())
                    if (target.AsSpan(0, dot).SequenceEqual(name)) return module;
                return null;
            }

            // ---- modes

            public virtual bool training { get; private protected set; } = true;

            public virtual void train(bool train = true)
            {
                training = train;
                foreach (Module child in children()) child.train(train);
            }

            public virtual void eval() => train(false);

            /// <summary>Applies an action to the descendants, children before parents, and last to the module itself.</summary>
            public virtual Module apply(Action<Module> fn)
            {
                foreach (Module child in children()) child.apply(fn);
                fn(this);
                return this;
            }

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (Parameter parameter in parameters())
                {
                    using Tensor grad = parameter.grad;
                    if (grad is null) continue;
                    if (set_to_none) parameter.grad = null;
                    else grad.detach_().zero_();
                }
            }

            // ---- moves: parameters and buffers are replaced by new tensors outside of the dispose scopes, the old ones disposed

            protected virtual Module _to(Device device, ScalarType dtype, bool non_blocking)
            {
                foreach (Module child in children()) child._to(device, dtype, non_blocking);
                return Move(device, dtype, non_blocking);
            }

            protected virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                foreach (Module child in children()) child._to(deviceType, deviceIndex, non_blocking);
                return Move(new Device(deviceType, deviceIndex), null, non_blocking);
            }

            protected virtual Module _to(ScalarType dtype, bool non_blocking)
            {
                foreach (Module child in children()) child._to(dtype, non_blocking);
                return Move(null, dtype, non_blocking);
            }

            public Module _to(Tensor other, bool non_blocking) => _to(other.device, other.dtype, non_blocking);

            internal Module To(Device device, ScalarType dtype, bool non_blocking) => _to(InitializeDevice(device), dtype, non_blocking);

            internal Module To(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                InitializeDeviceType(deviceType);
                return _to(deviceType, deviceIndex, non_blocking);
            }

            internal Module To(ScalarType dtype, bool non_blocking) => _to(dtype, non_blocking);

            private Module Move(Device device, ScalarType? dtype, bool non_blocking)
            {
                using var _ = no_grad();
                for (int i = 0; i < ownParameters.Count; i++)
                {
                    var (name, old) = ownParameters[i];
                    if (!Differs(old, device, dtype)) continue;
                    bool requiresGrad = old.requires_grad;
                    var moved = new Parameter(Moved(old, device, dtype, non_blocking), requiresGrad);
                    using (Tensor grad = old.grad)
                        if (grad is not null)
                        {
                            using Tensor movedGrad = Moved(grad, device, dtype, non_blocking);
                            moved.grad = movedGrad;
                        }
                    moved.DetachFromDisposeScope();
                    ownParameters[i] = (name, moved);
                    PointFieldsTo(moved, old);
                }
                for (int i = 0; i < ownBuffers.Count; i++)
                {
                    var (name, old, persistent) = ownBuffers[i];
                    // Whole numbers keep their type. Buffers that are not persistent stay behind, as in TorchSharp 0.107.
                    ScalarType? type = old.is_floating_point() ? dtype : null;
                    if (!persistent || !Differs(old, device, type)) continue;
                    Tensor moved = Moved(old, device, type, non_blocking).DetachFromDisposeScope();
                    ownBuffers[i] = (name, moved, persistent);
                    PointFieldsTo(moved, old);
                }
                return this;
            }

            private static bool Differs(Tensor tensor, Device device, ScalarType? dtype) =>
                (dtype is { } type && type != tensor.dtype) ||
                (device is not null && (device.type != tensor.device_type || (device.index >= 0 && device.index != tensor.device_index)));

            private static Tensor Moved(Tensor tensor, Device device, ScalarType? dtype, bool non_blocking) =>
                tensor.to(dtype ?? tensor.dtype, device ?? tensor.device, non_blocking: non_blocking);

            private void PointFieldsTo(Tensor moved, Tensor old)
            {
                foreach (FieldInfo field in Fields())
                    if (typeof(Tensor).IsAssignableFrom(field.FieldType) && ReferenceEquals(field.GetValue(this), old))
                        field.SetValue(this, moved);
                old.Dispose();
            }

            // ---- end of life

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach (var (_, parameter) in ownParameters) parameter.Dispose();
                foreach (var (_, buffer, _) in ownBuffers) buffer.Dispose();
                foreach (Module child in children()) child.Dispose();
                Release();
            }

            /// <summary>What a kind of module holds besides.</summary>
            private protected virtual void Release() { }
        }
    }
}
